"""One connection pool for one server: urllib3's manager looks for it, and parses the URL, for each request again."""

from __future__ import annotations

from typing import Any

from urllib3 import PoolManager, ProxyManager


class SinglePool:
    """Stands in for a `PoolManager` where all requests go to the server of *url*. Redirects are not followed."""

    def __init__(self, manager: PoolManager, url: str) -> None:
        self._manager = manager
        self._pool: Any = manager.connection_from_url(url)

    def request(self, method: str, url: str, **how: Any) -> Any:
        """Send it as the manager would."""
        # kubernetes hands an empty form to each GET.
        how.pop("fields", None)
        return self._pool.urlopen(method, target(url), redirect=False, **how)

    def clear(self) -> None:
        """Close all connections."""
        self._manager.clear()


def target(url: str) -> str:
    """The request target, path and query, of an absolute URL that has a path."""
    # The first slash behind `https://` or `http://x`.
    return url[url.index("/", 8) :]


def use_single_pool(manager: Any, url: str) -> Any:
    """A SinglePool for the server of *url*; the manager of a proxy stays as it is, since it sends other targets."""
    return manager if isinstance(manager, ProxyManager) else SinglePool(manager, url)
