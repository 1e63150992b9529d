"""
Parse and normalise the addresses in the settings, or raise a ValueError whose text says what to write.

No message repeats a URL: it may hold a password.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_URL_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")


def host(text: str) -> str:
    """Parse a host name without a port."""
    name = text.strip().lower()
    if not _HOST.fullmatch(name):
        raise ValueError("is no host name; give it without scheme, port and path, as in ssh.gitlab.example")
    return name


def gitlab_url(text: str) -> str:
    """Parse GitLab's address: https, or http on loopback; a relative root is kept."""
    url = _web_address(text, "https://gitlab.example")
    if url.scheme == "http" and not _is_loopback(url.hostname or ""):
        raise ValueError("is plain http, which would show the token to the network; use https (http is for loopback)")
    if re.search(r"/api(/v\d+)?$", url.path):
        raise ValueError("names the API; give GitLab's address without /api/v4")
    return url.geturl()


def receiver_url(text: str) -> str:
    """Parse the external base URL of Flux's webhook-receiver."""
    url = _web_address(text, "https://flux-webhook.example")
    if "hook" in url.path.split("/"):
        raise ValueError("ends in /hook, which Flux adds to every path itself; give the address without it")
    return url.geturl()


def pushgateway(text: str) -> str:
    """Parse a Pushgateway's address. Plain http is allowed: it is inside the cluster and gets no secret."""
    return _web_address(text, "http://pushgateway.monitoring:9091").geturl()


def _web_address(text: str, example: str) -> SplitResult:
    try:
        url = urlsplit(text.strip())
        port_is_usable = url.port != 0
    except ValueError:
        raise ValueError(f"is no URL; write it as {example}") from None
    if url.username is not None or url.password is not None:
        raise ValueError("holds a user name or password; remove everything up to the @")
    if re.search(r"[?#]", text):
        raise ValueError("holds a query or fragment; remove everything from the ? or # on")
    path = url.path.rstrip("/")
    known = url.scheme in {"http", "https"} and _HOST.fullmatch(_host_part(url)) and port_is_usable
    if not known or not text.isprintable() or not _URL_PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise ValueError(f"is no URL that can be used; write it as {example}")
    return url._replace(netloc=url.netloc.lower(), path=path)


def _host_part(url: SplitResult) -> str:
    name = url.hostname or ""
    return f"[{name}]" if ":" in name else name


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
