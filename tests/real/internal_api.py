"""What GitLab's SSH service asks GitLab: whose key this is, and whether it may read or write a project."""

from __future__ import annotations

from aiohttp import web

from cronjob.sandbox.fake_gitlab.records import Key, Project
from cronjob.sandbox.fake_gitlab.ssh_keys import read_key
from cronjob.sandbox.fake_gitlab.world import GitLabWorld

# The sentence that gitlab-shell prints, whether the project is missing or the key is not on it.
NOT_FOUND = "The project you were looking for could not be found or you don't have permission to view it."
READ_ONLY = "This deploy key does not have write access to this project."


def internal_api(world: GitLabWorld) -> web.Application:
    """`/key` answers with the id of a public key, `/allowed` with the id of the project that the key may use."""

    async def key_id(request: web.Request) -> web.Response:
        with world.lock:
            key = _usable_key(world, request.query["key"])
        return web.Response(status=200, text=str(key.id)) if key else web.Response(status=404)

    async def allowed(request: web.Request) -> web.Response:
        with world.lock:
            project = _project(world, request.query["project"])
            key = world.keys.get(int(request.query["key_id"]))
            if project is None or key is None or key.id not in project.keys:
                return web.Response(status=403, text=NOT_FOUND)
            if request.query["command"] == "git-receive-pack" and not project.keys[key.id]:
                return web.Response(status=403, text=READ_ONLY)
            key.last_used_at = world.now()
            return web.Response(text=str(project.id))

    app = web.Application()
    app.router.add_get("/key", key_id)
    app.router.add_get("/allowed", allowed)
    return app


def _usable_key(world: GitLabWorld, text: str) -> Key | None:
    """The key with this material, unless it has expired: such a key cannot sign in."""
    public_key = read_key(text)
    key = world.keys_by_fingerprint.get(public_key.sha256) if public_key else None
    is_expired = key is not None and key.expires_at is not None and key.expires_at <= world.now()
    return None if is_expired else key


def _project(world: GitLabWorld, path: str) -> Project | None:
    """The project at *path*, or the one that has moved away from there."""
    wanted = path.strip("/").removesuffix(".git").lower()
    return world.projects_by_path.get(wanted) or world.redirects.get(wanted)
