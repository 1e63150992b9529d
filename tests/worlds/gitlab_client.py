"""A small GitLab to test, and somebody to talk to it over HTTP."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

import requests

from cronjob.sandbox.fake_gitlab.app import gitlab_app
from cronjob.sandbox.fake_gitlab.records import Group, Project, User
from cronjob.sandbox.fake_gitlab.world import GitLabWorld
from cronjob.sandbox.serving import serving

KEYS = "projects/1000/deploy_keys"
HOOKS = "projects/1000/hooks"
URL = "https://flux.example/hook/abc"

NOT_FOUND = (404, {"message": "404 Not found"})
TAKEN = ["has already been taken"]


def a_public_key(name: str = "one") -> str:
    """An ed25519 public key without comment; the same for the same *name*."""
    fields = [b"ssh-ed25519", sha256(name.encode()).digest()]
    blob = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    return "ssh-ed25519 " + base64.b64encode(blob).decode()


ONE = a_public_key("one")


@dataclass
class Client:
    """*bot* is Maintainer of the group ``tenants``, which has the project ``tenants/app``."""

    url: str
    world: GitLabWorld
    session: requests.Session
    bot: User
    token: str
    group: Group
    project: Project

    def get(self, path: str, **params: object) -> requests.Response:
        return self.send("GET", path, params=params)

    def post(self, path: str, **body: object) -> requests.Response:
        return self.send("POST", path, json=body)

    def put(self, path: str, **body: object) -> requests.Response:
        return self.send("PUT", path, json=body)

    def delete(self, path: str) -> requests.Response:
        return self.send("DELETE", path)

    def send(self, method: str, path: str, **options: object) -> requests.Response:
        url = f"{self.url}{self.world.url_root}/api/v4/{path}"
        return self.session.request(method, url, timeout=10, allow_redirects=False, **options)

    def act_as(self, token: str | None) -> None:
        """Send *token* from now on, or none."""
        self.session.headers["PRIVATE-TOKEN"] = token

    def someone(self, role: int = 0, **fields: object) -> str:
        """The token of a new user with *role* in the group; 0 is a stranger."""
        user = self.world.add_user(f"user{len(self.world.users)}", **fields)
        if role:
            self.world.add_member(self.group, user, role)
        return self.world.add_token(user)


@contextmanager
def a_gitlab(version: str = "18.4.0", url_root: str = "") -> Iterator[Client]:
    world = GitLabWorld(version=version, url_root=url_root)
    bot = world.add_user("bot")
    token = world.add_token(bot)
    group = world.add_group("tenants")
    world.add_member(group, bot, 40)
    project = world.add_project("tenants/app")
    with serving(gitlab_app(world)) as url, requests.Session() as session:
        session.trust_env = False
        session.headers["PRIVATE-TOKEN"] = token
        yield Client(url, world, session, bot, token, group, project)


def a_hook(gitlab: Client, **fields: object) -> str:
    """The path of a new webhook of the project, with a token."""
    hook = gitlab.world.add_hook(gitlab.project, URL, token="old", **fields)
    return f"{HOOKS}/{hook.id}"


def attached(gitlab: Client, project: Project | None = None) -> list[tuple[int, bool]]:
    """The ids of the project's keys, each with its can_push."""
    return [(key.id, can_push) for key, can_push in gitlab.world.keys_of(project or gitlab.project)]
