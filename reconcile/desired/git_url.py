"""
Which GitLab project a GitRepository's URL means.

Flux parses the URL with Go's net/url and refuses a non-numeric port; Python's urlsplit would silently drop a path
segment of the scp-like form, so the authority is taken apart here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

# GitLab's paths have at most 255 characters a segment and 20 levels; anything far longer is no path.
LONGEST_URL = 4096
_SCHEME = re.compile(r"(ssh|https?)://([^/]*)(.*)", re.DOTALL)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\\]")
_ENCODED_SLASH = re.compile(r"%(?:2f|5c)", re.IGNORECASE)


class UnusableUrl(ValueError):
    """The URL names no project; the text says why. *host* is the host it names, where that much is clear."""

    def __init__(self, reason: str, host: str | None = None) -> None:
        super().__init__(reason)
        self.host = host


@dataclass(frozen=True, slots=True)
class GitUrl:
    """
    The parts of a URL that say which project it means.

    *host* is lower case and without its port, *path* without slashes at its ends and without one `.git`.
    *fetchable* is False for `ssh://git@host:group/project`, which is understood here and refused by Flux.
    """

    host: str
    path: str
    fetchable: bool = True


def parse_git_url(url: str, relative_root: str = "") -> GitUrl:
    """
    Take *url* apart; for http(s) GitLab's *relative_root* (`gitlab` in `https://host/gitlab`) is dropped.

    Raises UnusableUrl.
    """
    if len(url) > LONGEST_URL:
        raise UnusableUrl(f"it is longer than {LONGEST_URL} characters")
    if _FORBIDDEN.search(url):
        raise UnusableUrl("it holds white space, control characters or a backslash")
    match = _SCHEME.fullmatch(re.split("[?#]", url, maxsplit=1)[0])
    if not match:
        raise UnusableUrl("it does not begin with ssh://, https:// or http://")
    scheme, authority, path = match.groups()
    host, group = _host(authority.rpartition("@")[2])
    if scheme != "ssh":
        if group:
            # What stands here may be part of a password with an unescaped slash: it is not shown.
            raise UnusableUrl("its port is no number", host)
        path = _below(path, relative_root)
    try:
        return GitUrl(host, _project_path(f"{group}{path}"), fetchable=not group)
    except UnusableUrl as error:
        raise UnusableUrl(str(error), host) from None


def _host(authority: str) -> tuple[str, str]:
    """Split `host[:port]` into the host and, where the port is no number, what stands in its place."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::(.*))?", authority)
    if not match:
        raise UnusableUrl("it names no host")
    host, port = match.groups()
    is_port = not port or (port.isascii() and port.isdigit())
    return host.lower(), "" if is_port else port


def _below(path: str, root: str) -> str:
    prefix = f"/{root.strip('/').lower()}/"
    return path[len(prefix) :] if root and path.lower().startswith(prefix) else path


def _project_path(raw: str) -> str:
    if _ENCODED_SLASH.search(raw):
        raise UnusableUrl("its path holds an encoded slash")
    path = unquote(raw).strip("/").removesuffix(".git")
    if _FORBIDDEN.search(path):
        raise UnusableUrl("its path holds white space, control characters or a backslash")
    if "@" in path or ":" in path:
        # Not shown: what stands there is often a credential in the wrong place.
        raise UnusableUrl("its path holds `@` or `:`, which no path of GitLab has")
    if "%" in path:
        raise UnusableUrl("its path holds a percent sign, which no path of GitLab has")
    segments = path.split("/")
    if len(segments) < 2:
        raise UnusableUrl("its path has fewer than two segments, so it names no project")
    if any(segment in {"", ".", ".."} for segment in segments):
        raise UnusableUrl("its path has an empty, `.` or `..` segment")
    return path
