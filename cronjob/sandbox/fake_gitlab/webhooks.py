"""The projects' webhooks, and the far end that their deliveries reach."""

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

    *receiver* plays the far end of a delivery: it answers with a status code, or with the text of what the
    transport would say. *allow_local_requests* is the admin's switch for hooks to private networks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.receiver: Callable[[Hook, str], int | str] = accepts_everything
        self.allow_local_requests = False
        self._hook_ids = count(7000)
        self._delivery_ids = count(50)

    def add_hook(self, project: Project, url: str, **fields: object) -> Hook:
        """Add a webhook as it is given, unchecked; *fields* are those of ``Hook``, defaults are GitLab's."""
        hook = self.new_hook(project, url)
        for name, value in fields.items():
            if name not in Hook.__dataclass_fields__:
                raise TypeError(f"a webhook has no {name}")
            setattr(hook, name, value)
        return self.keep_hook(project, hook)

    def new_hook(self, project: Project, url: str) -> Hook:
        """A webhook with GitLab's defaults that is nowhere yet."""
        return Hook(0, project.id, url, self.now(), self.now())

    def keep_hook(self, project: Project, hook: Hook) -> Hook:
        """Give a new webhook its id and its place in the list."""
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
        """Let *hook* have failed too often: for good, or with *until* for a while."""
        with self.lock:
            hook.alert_status = "temporarily_disabled" if until else "disabled"
            hook.disabled_until = until

    def deliver(self, hook: Hook, trigger: str) -> Delivery:
        """Deliver a test event and log it. An answer of 2xx brings a disabled webhook back."""
        with self.lock:
            status = self.receiver(hook, trigger)
            delivery = Delivery(next(self._delivery_ids), hook.url, trigger, status)
            hook.deliveries.append(delivery)
            if isinstance(status, int) and 200 <= status < 300:
                hook.alert_status, hook.disabled_until = "executable", None
            return delivery
