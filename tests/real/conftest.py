"""The world of real programs, started once; `make real` builds them and runs these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cronjob.sandbox.fake_gitlab.app import gitlab_app
from cronjob.sandbox.fake_gitlab.records import MAINTAINER
from cronjob.sandbox.fake_gitlab.world import GitLabWorld
from cronjob.sandbox.serving import serving
from tests.real.forge import Forge
from tests.real.install import a_real_world
from tests.real.programs import PROGRAMS, missing
from tests.real.ssh_server import SSHD, an_ssh_server, ssh_version
from tests.real.world import GROUP, RealWorld


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
    bot = gitlab.add_user("flux-bot")
    gitlab.add_member(gitlab.add_group(GROUP), bot, MAINTAINER)
    token = gitlab.add_token(bot)
    with serving(gitlab_app(gitlab)) as url, an_ssh_server(gitlab, repositories, folder) as ssh:
        yield Forge(gitlab, url, token, repositories, ssh)


@pytest.fixture(scope="session")
def world(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealWorld]:
    """A cluster of real programs that uses the forge."""
    if absent := missing():
        pytest.skip(f"not built: {', '.join(program.name for program in absent)}; `make real` does")
    with a_real_world("prod", forge, tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(scope="module")
def second(world: RealWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealWorld]:
    """Another cluster with programs of its own, beside the first."""
    with a_real_world("stage", world.forge, tmp_path_factory.mktemp("second")) as made:
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print which real programs the tests ran against, and how many did."""
    passed = len(terminalreporter.stats.get("passed", []))
    terminalreporter.section("real programs")
    for program in () if missing() else PROGRAMS:
        if program.path.is_file():
            terminalreporter.line(str(program))
    terminalreporter.line(f"{SSHD or 'no sshd'}: {ssh_version()}")
    terminalreporter.line(f"{passed} tests passed against them")
