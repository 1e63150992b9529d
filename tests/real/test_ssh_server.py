"""The real sshd: it lets in exactly the keys that the embedded GitLab has, and each only where it is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cronjob.sandbox.fake_gitlab.records import Project
from cronjob.sandbox.samples import ssh_key
from tests.real.forge import Forge


class Client:
    """A user of git with a key pair of their own."""

    def __init__(self, forge: Forge, folder: Path) -> None:
        pair = ssh_key()
        self.public = pair["identity.pub"]
        self.copy = folder / "copy"
        self._forge = forge
        (folder / "identity").write_text(pair["identity"])
        (folder / "identity").chmod(0o600)
        (folder / "known_hosts").write_text(forge.ssh.known_hosts)
        self._ssh = (
            f"ssh -F none -i {folder / 'identity'} -o IdentitiesOnly=yes -o BatchMode=yes "
            f"-o UserKnownHostsFile={folder / 'known_hosts'} -o StrictHostKeyChecking=yes"
        )

    def git(self, *arguments: str, at: Path | None = None) -> str:
        """What git prints."""
        return self._forge.git(*arguments, at=at, GIT_SSH_COMMAND=self._ssh)

    def clone(self, path: str) -> str:
        """The last commit of the project at *path*."""
        self.git("clone", "-q", self._forge.ssh.url(path), str(self.copy))
        return self.git("rev-parse", "HEAD", at=self.copy)

    def push(self) -> None:
        self.git("commit", "-q", "--allow-empty", "-m", "Change nothing", at=self.copy)
        self.git("push", "-q", "origin", "HEAD:main", at=self.copy)

    def refusal(self, path: str) -> str:
        """What git says when it is refused."""
        with pytest.raises(AssertionError) as raised:
            self.clone(path)
        return str(raised.value)


@pytest.fixture
def client(forge: Forge, tmp_path: Path) -> Client:
    return Client(forge, tmp_path)


@pytest.fixture
def project(forge: Forge, request: pytest.FixtureRequest) -> Project:
    name = f"ssh-{request.node.name.replace('_', '-')}"[:60].rstrip("-")
    forge.gitlab.add_group(name)
    return forge.create(f"{name}/project")


def test_a_key_that_may_only_read_clones_and_cannot_push(forge: Forge, project: Project, client: Client) -> None:
    commit = forge.push(project, {"README": "hello"})
    key = forge.gitlab.add_deploy_key(project, client.public, title="reader")

    assert client.clone(project.path_with_namespace) == commit
    assert key.last_used_at is not None
    with pytest.raises(AssertionError, match="This deploy key does not have write access to this project"):
        client.push()


def test_a_key_that_may_push_does(forge: Forge, project: Project, client: Client) -> None:
    forge.push(project, {"README": "hello"})
    forge.gitlab.add_deploy_key(project, client.public, title="writer", can_push=True)

    client.clone(project.path_with_namespace)
    client.push()


def test_a_key_that_gitlab_does_not_have_cannot_sign_in(forge: Forge, project: Project, client: Client) -> None:
    forge.push(project, {"README": "hello"})

    assert "Permission denied (publickey)" in client.refusal(project.path_with_namespace)


def test_a_key_that_has_expired_cannot_sign_in(forge: Forge, project: Project, client: Client) -> None:
    yesterday = forge.gitlab.now() - timedelta(days=1)
    forge.gitlab.add_deploy_key(project, client.public, title="expired", expires_at=yesterday)

    assert "Permission denied (publickey)" in client.refusal(project.path_with_namespace)


def test_a_key_of_another_project_signs_in_and_finds_nothing(forge: Forge, project: Project, client: Client) -> None:
    other = forge.create(f"{project.namespace.full_path}/other")
    forge.gitlab.add_deploy_key(other, client.public, title="elsewhere")

    assert "could not be found or you don't have permission" in client.refusal(project.path_with_namespace)
    assert "could not be found or you don't have permission" in client.refusal("no/such-project")


def test_a_project_that_has_moved_is_found_at_its_old_path(forge: Forge, project: Project, client: Client) -> None:
    commit = forge.push(project, {"README": "hello"})
    forge.gitlab.add_deploy_key(project, client.public, title="reader")
    old = project.path_with_namespace
    forge.gitlab.move_project(project, f"{project.namespace.full_path}/renamed")

    assert client.clone(old) == commit
