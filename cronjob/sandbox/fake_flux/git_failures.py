"""Why source-controller cannot fetch a repository, in its words (tests/sandbox/recorded; Flux 2.9)."""

from __future__ import annotations

from enum import Enum

_CHECKOUT = "failed to checkout and determine revision: "
_CLONE = _CHECKOUT + "unable to clone '{url}': "


class GitFailure(Enum):
    """The message of a failed fetch; `{url}` and `{branch}` are those of the GitRepository."""

    NO_KEY = _CHECKOUT + "unable to construct auth method with options: ssh: no key found"
    HOST_KEY = _CLONE + "ssh: handshake failed: knownhosts: key mismatch"
    UNKNOWN_HOST = _CLONE + "ssh: handshake failed: knownhosts: key is unknown"
    UNKNOWN_KEY = _CLONE + (
        "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], "
        "no supported methods remain"
    )
    NOT_FOUND = _CHECKOUT + "unable to clone: repository not found: git repository: '{url}'"
    NO_BRANCH = _CLONE + 'couldn\'t find remote ref "refs/heads/{branch}"'
    # Over https; not recorded.
    NO_CREDENTIALS = _CHECKOUT + "unable to list remote for '{url}': authentication required"
    NO_COMMIT = "git repository is empty"

    @property
    def reason(self) -> str:
        """The reason of the conditions."""
        return "EmptyGitRepository" if self is GitFailure.NO_COMMIT else "GitOperationFailed"

    def message(self, url: str, branch: str) -> str:
        """The message of the conditions."""
        return self.value.format(url=url, branch=branch)
