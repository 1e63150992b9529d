"""Authentication: the users of the embedded GitLab and their access tokens."""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import RLock
from typing import TypedDict, Unpack

from cronjob.sandbox.fake_gitlab.records import Token, User


class TokenFields(TypedDict, total=False):
    scopes: tuple[str, ...]
    expires_at: str | None
    token: str | None
    kind: str
    permissions: frozenset[str]


class Accounts:
    """Users and tokens. Every change takes *lock*, so test threads may make them while the server runs."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.clock: Callable[[], float] = time.time
        self.users: dict[str, User] = {}
        self.tokens: dict[str, Token] = {}
        self._user_ids = count(1)
        self._token_ids = count(1)

    def seconds(self) -> float:
        """The time of *clock*, which tests may replace, in seconds since the epoch."""
        return self.clock()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def add_user(self, username: str, *, admin: bool = False) -> User:
        with self.lock:
            if username.lower() in self.users:
                raise ValueError(f"there is a user {username} already")
            user = User(next(self._user_ids), username, admin, self.now())
            self.users[username.lower()] = user
            return user

    def add_token(self, user: User, **fields: Unpack[TokenFields]) -> str:
        """Give *user* a token and return its text; its scopes are ``("api",)`` by default."""
        with self.lock:
            value = fields.get("token") or f"glpat-{secrets.token_urlsafe(15)}"
            token = Token(next(self._token_ids), value, user, self.now())
            token.scopes = tuple(fields.get("scopes", token.scopes))
            token.expires_at = fields.get("expires_at")
            token.kind = fields.get("kind", token.kind)
            if "permissions" in fields:
                token.scopes, token.permissions = ("granular",), fields["permissions"]
            self.tokens[value] = token
            return value

    def revoke_token(self, token: str) -> None:
        self.tokens[token].revoked = True

    def expire_token(self, token: str) -> None:
        """Set the expiry date of *token* to yesterday."""
        self.tokens[token].expires_at = (self.now() - timedelta(days=1)).date().isoformat()
