"""
What sshd starts; standard library only, so that it starts fast.

`keys URL ALGORITHM MATERIAL` is sshd's AuthorizedKeysCommand: it prints the line of authorized_keys for that key.
`serve URL REPOSITORIES KEY_ID` is the forced command of that line: it runs Git's server for $SSH_ORIGINAL_COMMAND.
*URL* is that of `internal_api`, *REPOSITORIES* the folder of the bare repositories, each named by its project's id.
"""

from __future__ import annotations

import os
import shlex
import sys
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

_COMMANDS = ("git-upload-pack", "git-receive-pack")


def _ask(url: str, **query: str) -> str:
    with urlopen(f"{url}?{urlencode(query)}", timeout=10) as answer:  # noqa: S310
        return str(answer.read().decode())


def print_key(url: str, repositories: str, algorithm: str, material: str) -> int:
    """Print a line that lets the key in, restricted to `serve`; nothing if GitLab does not have it."""
    try:
        key_id = _ask(f"{url}/key", key=f"{algorithm} {material}")
    except HTTPError:
        return 0
    command = shlex.join([sys.executable, "-I", __file__, "serve", url, repositories, key_id])
    print(f'restrict,command="{command}" {algorithm} {material}')  # noqa: T201
    return 0


def serve(url: str, repositories: str, key_id: str) -> int:
    """Let the key read or write the project that the client names, if GitLab allows it."""
    words = shlex.split(os.environ.get("SSH_ORIGINAL_COMMAND", ""))
    if len(words) != 2 or words[0] not in _COMMANDS:
        print("Only git is served here.", file=sys.stderr)  # noqa: T201
        return 1
    try:
        project_id = _ask(f"{url}/allowed", key_id=key_id, command=words[0], project=words[1])
    except HTTPError as error:
        print(_banner(f"ERROR: {error.read().decode()}"), file=sys.stderr)  # noqa: T201
        return 1
    return os.execvp(words[0], [words[0], os.path.join(repositories, f"{project_id}.git")])  # noqa: S606, PTH118


def _banner(message: str) -> str:
    """As gitlab-shell shows a refusal (internal/console/console.go); clients read its first line, which is blank."""
    divider = ["", "=" * 72, ""]
    return "\n".join(f"remote: {line}" for line in (*divider, message, *divider))


if __name__ == "__main__":
    sys.exit({"keys": print_key, "serve": serve}[sys.argv[1]](*sys.argv[2:]))
