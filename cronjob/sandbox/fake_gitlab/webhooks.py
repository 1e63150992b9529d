"""The webhooks of projects, and the receiver of their deliveries."""

from collections.abc import Callable
from datetime import datetime
from itertools import count

from cronjob.sandbox.fake_gitlab.deploy_keys import DeployKeys
from cronjob.sandbox.fake_gitlab.records import Delivery, Hook, Project


def accepts_everything(_hook: Hook, _trigger: str) -> int | str:
    """The default receiver: every delivery is answered 200."""
    return 200


class Webhooks(DeployKeys):
    """
    Webhooks by project and id.

    *receiver* answers a delivery: with a status code, or with the message of a failed connection.
    *allow_local_requests* is the admin setting that allows webhooks to private networks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.receiver: Callable[[Hook, str], int | str] = accepts_everything
        self.allow_local_requests = False
        self._hook_ids = count(7000)
        self._delivery_ids = count(50)

    def add_hook(self, project: Project, url: str, **fields: object) -> Hook:
        """Add a webhook without validation; *fields* are those of ``Hook``, with GitLab's defaults."""
        hook = self.new_hook(project, url)
        for name, value in fields.items():
            if name not in Hook.__dataclass_fields__:
                raise TypeError(f"a webhook has no {name}")
            setattr(hook, name, value)
        return self.keep_hook(project, hook)

    def new_hook(self, project: Project, url: str) -> Hook:
        """A webhook with GitLab's defaults that is not stored yet."""
        return Hook(0, project.id, url, self.now(), self.now())

    def keep_hook(self, project: Project, hook: Hook) -> Hook:
        """Store a new webhook under a new id."""
        with self.lock:
            hook.id = next(self._hook_ids)
            project.hooks[hook.id] = hook
            return hook

    def hooks_of(self, project: Project) -> list[Hook]:
        with self.lock:
            return list(project.hooks.values())

    def remove_hook(self, project: Project, hook: Hook) -> None:
        with self.lock:
            del project.hooks[hook.id]

    def disable_hook(self, hook: Hook, *, until: datetime | None = None) -> None:
        """Disable *hook* as after too many failures: permanently, or temporarily with *until*."""
        with self.lock:
            hook.alert_status = "temporarily_disabled" if until else "disabled"
            hook.disabled_until = until

    def deliver(self, hook: Hook, trigger: str) -> Delivery:
        """Deliver an event and log it. An answer of 2xx enables a disabled webhook again."""
        with self.lock:
            status = self.receiver(hook, trigger)
            delivery = Delivery(next(self._delivery_ids), hook.url, trigger, status)
            hook.deliveries.append(delivery)
            if isinstance(status, int) and 200 <= status < 300:
                hook.alert_status, hook.disabled_until = "executable", None
            return delivery
