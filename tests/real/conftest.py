"""The world of real programs, started once; `make real` builds them and runs these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cronjob.sandbox.fake_gitlab.world import GitLabWorld
from tests.real.forge import Forge
from tests.real.ssh_server import SSHD, an_ssh_server


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """An embedded GitLab behind a real sshd."""
    if not SSHD:
        pytest.skip("there is no sshd (Debian: openssh-server)")
    folder = tmp_path_factory.mktemp("forge")
    repositories = folder / "repositories"
    repositories.mkdir()
    gitlab = GitLabWorld()
    gitlab.allow_local_requests = True
    with an_ssh_server(gitlab, repositories, folder) as ssh:
        yield Forge(gitlab, repositories, ssh)
