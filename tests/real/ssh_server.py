"""A real sshd in front of bare repositories, which lets in exactly the deploy keys that the embedded GitLab has."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cronjob.sandbox.fake_gitlab.world import GitLabWorld
from cronjob.sandbox.serving import serving
from tests.real import gitlab_shell
from tests.real.internal_api import internal_api
from tests.worlds.processes import free_port, running, wait_until_up

# Debian puts it where only root's PATH leads.
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or ""


@dataclass(frozen=True)
class SshServer:
    """Where Git is served: *user* signs in at *port*, and *host_key* is the public key of the host."""

    user: str
    port: int
    host_key: str
    log: Path

    def url(self, path: str) -> str:
        """The clone URL of the project at *path*."""
        return f"ssh://{self.user}@127.0.0.1:{self.port}/{path}.git"

    @property
    def known_hosts(self) -> str:
        """A line for the Secret's `known_hosts`."""
        return f"[127.0.0.1]:{self.port} {self.host_key}"


def ssh_version() -> str:
    """What the OpenSSH of this machine calls itself."""
    done = subprocess.run([shutil.which("ssh") or "ssh", "-V"], capture_output=True, text=True, check=False)
    return done.stderr.strip()


@contextmanager
def an_ssh_server(world: GitLabWorld, repositories: Path, folder: Path) -> Iterator[SshServer]:
    """sshd, up. It runs as the user of the tests, who is the only one that it can run `git` as."""
    keygen = shutil.which("ssh-keygen") or "ssh-keygen"
    host_key = folder / "host_key"
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(host_key)], check=True)
    if os.geteuid() == 0:
        # sshd does not start without it; a service manager would make it.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with serving(internal_api(world)) as url:
        server = SshServer(
            pwd.getpwuid(os.geteuid()).pw_name,
            free_port(),
            " ".join(host_key.with_suffix(".pub").read_text().split()[:2]),
            folder / "sshd.log",
        )
        settings = folder / "sshd_config"
        settings.write_text(_settings(server, host_key, [url, str(repositories)]))
        with running([SSHD, "-D", "-e", "-f", settings], server.log) as process:
            wait_until_up(lambda: b"Server listening" in server.log.read_bytes(), {server.log: process})
            yield server


def _settings(server: SshServer, host_key: Path, arguments: list[str]) -> str:
    # sshd demands that root owns the command, and every folder above it: the interpreter's own path is such a one.
    keys = shlex.join([str(Path(sys.executable).resolve()), "-I", gitlab_shell.__file__, "keys", *arguments])
    lines = [
        f"ListenAddress 127.0.0.1:{server.port}",
        f"HostKey {host_key}",
        "PidFile none",
        "AuthorizedKeysFile none",
        f"AuthorizedKeysCommand {keys} %t %k",
        f"AuthorizedKeysCommandUser {server.user}",
        "PermitRootLogin forced-commands-only",
        "AuthenticationMethods publickey",
        "UsePAM no",
        "LogLevel VERBOSE",
    ]
    # Since 9.8 OpenSSH shuts out an address after a few failures, and here everybody has the same one.
    with_penalties = [SSHD, "-t", "-h", str(host_key), "-o", "PerSourcePenalties=no", "-f", "/dev/null"]
    if subprocess.run(with_penalties, capture_output=True, check=False).returncode == 0:
        lines.append("PerSourcePenalties no")
    return "\n".join([*lines, ""])
