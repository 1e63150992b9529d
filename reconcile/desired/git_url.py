"""
Which GitLab project a GitRepository's URL means.

Flux parses the URL with Go's net/url and refuses a non-numeric port; Python's urlsplit would silently drop a path
segment of the scp-like form, so the authority is taken apart here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import unquote

# GitLab's paths have at most 255 characters a segment and 20 levels; anything far longer is no path.
LONGEST_URL = 4096
_SCHEME = re.compile(r"(ssh|https?)://([^/]*)(.*)", re.DOTALL)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\\]")
_ENCODED_SLASH = re.compile(r"%(?:2f|5c)", re.IGNORECASE)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# What Go's validUserinfo lets pass (net/url/url.go, Go 1.26).
_USER_INFO = re.compile(r"[A-Za-z0-9._:~!$&'()*+,;=%@-]*")
# No name of a host has other ASCII characters; Go itself refuses fewer.
_HOST = re.compile(r"[A-Za-z0-9._\x80-\U0010ffff-]+")
# They stand where a substitution was forgotten or lost, whatever the host.
_PLACEHOLDER = re.compile(r"[<>{}$]")
# lib/gitlab/path_regex.rb, GitLab 14 to 19.
_SEGMENT = re.compile(r"[A-Za-z0-9_.-]+")


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

    Raises UnusableUrl, also for all that Go's net/url refuses, but for the scp-style colon.
    """
    if len(url) > LONGEST_URL:
        raise UnusableUrl(f"it is longer than {LONGEST_URL} characters")
    if _FORBIDDEN.search(url):
        raise UnusableUrl("it holds white space, control characters or a backslash")
    before_fragment, _, fragment = url.partition("#")
    match = _SCHEME.fullmatch(before_fragment.partition("?")[0])
    if not match:
        raise UnusableUrl("it does not begin with ssh://, https:// or http://")
    scheme, authority, path = match.groups()
    user_info, _, rest = authority.rpartition("@")
    host, group = _host(rest)
    if not _USER_INFO.fullmatch(user_info) or any(map(_BROKEN_ESCAPE.search, (user_info, path, fragment))):
        raise UnusableUrl("it holds a percent sign, or a character before the `@`, that must be percent-encoded")
    if scheme != "ssh":
        if group:
            # What stands here may be part of a password with an unescaped slash: it is not shown.
            raise UnusableUrl("its port is no number")
        path = _below(path, relative_root)
    try:
        return GitUrl(host, _project_path(f"{group}{path}"), fetchable=not group)
    except _UnusablePath as error:
        # Where the port is no number, what was taken for the host may be a user.
        is_host_certain = not (group or error.is_ambiguous)
        raise UnusableUrl(str(error), host if is_host_certain else None) from None


class _UnusablePath(ValueError):
    """The path names no project. *is_ambiguous*: it may hold a part of the credentials, or a lost substitution."""

    def __init__(self, reason: str, *, is_ambiguous: bool = False) -> None:
        super().__init__(reason)
        self.is_ambiguous = is_ambiguous


def _host(authority: str) -> tuple[str, str]:
    """Split `host[:port]` into the host and, where the port is no number, what stands in its place."""
    match = re.fullmatch(r"(\[[^\[\]]*\]|[^:\[\]]+)(?::(.*))?", authority)
    if not match:
        raise UnusableUrl("it names no host")
    host, port = match.groups()
    if not (_is_address(host[1:-1]) if host.startswith("[") else _HOST.fullmatch(host)):
        raise UnusableUrl("no host has such a name; was a substitution left out?")
    is_port = not port or (port.isascii() and port.isdigit())
    return host.lower(), "" if is_port else port


def _is_address(text: str) -> bool:
    """Return whether it is an IPv6 address, which alone stands in brackets (RFC 3986)."""
    try:
        return not IPv6Address(text).scope_id
    except ValueError:
        return False


def _below(path: str, root: str) -> str:
    prefix = f"/{root.strip('/').lower()}/"
    return path[len(prefix) :] if root and path.lower().startswith(prefix) else path


def _project_path(raw: str) -> str:
    if _ENCODED_SLASH.search(raw):
        raise _UnusablePath("its path holds an encoded slash")
    path = unquote(raw).strip("/").removesuffix(".git")
    if _FORBIDDEN.search(path):
        raise _UnusablePath("its path holds white space, control characters or a backslash")
    if _PLACEHOLDER.search(path):
        raise _UnusablePath("its path holds one of `<>{}$`; was a substitution left out?", is_ambiguous=True)
    if "@" in path:
        # Not shown: what stands there is often a credential in the wrong place.
        raise _UnusablePath("its path holds `@`, which no path of GitLab has", is_ambiguous=True)
    segments = path.split("/")
    if len(segments) < 2:
        raise _UnusablePath("its path has fewer than two segments, so it names no project")
    if any(segment in {"", ".", ".."} for segment in segments):
        raise _UnusablePath("its path has an empty, `.` or `..` segment")
    if not all(map(_SEGMENT.fullmatch, segments)):
        raise _UnusablePath("its path holds a character that no path of GitLab has")
    return path
