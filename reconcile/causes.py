"""
Error causes: why a request failed, as a code, one clause and the next step. The one table for every output.

The rooms that talk to servers map an answer to a code; nothing reads a sentence back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CauseCode(StrEnum):
    """Every cause this program can name. The names are part of its public interface."""

    TOKEN_EXPIRED = "TokenExpired"
    TOKEN_REVOKED = "TokenRevoked"
    TOKEN_REFUSED = "TokenRefused"
    SCOPE_MISSING = "ScopeMissing"
    PERMISSION_MISSING = "PermissionMissing"
    ROLE_MISSING = "RoleMissing"
    RATE_LIMITED = "RateLimited"
    NOT_GITLAB = "NotGitLab"
    PROJECT_GONE = "ProjectGone"
    PROJECT_MOVED_OUT = "ProjectMovedOut"
    KEY_TAKEN = "KeyTaken"
    LIMIT_REACHED = "LimitReached"
    RESOURCE_LOCKED = "ResourceLocked"
    TIMEOUT = "Timeout"
    CONNECT_TIMEOUT = "ConnectTimeout"
    CONNECTION_REFUSED = "ConnectionRefused"
    CONNECTION_BROKEN = "ConnectionBroken"
    PROXY_FAILED = "ProxyFailed"
    TLS_FAILED = "TlsFailed"
    CERTIFICATE_EXPIRED = "CertificateExpired"
    CERTIFICATE_NAME_WRONG = "CertificateNameWrong"
    NAME_NOT_RESOLVED = "NameNotResolved"
    ADDRESS_UNUSABLE = "AddressUnusable"
    CREDENTIALS_UNUSABLE = "CredentialsUnusable"
    SERVER_ERROR = "ServerError"
    MALFORMED = "Malformed"
    UNKNOWN = "Unknown"


_RENEW = "Make a new token with the scope api and put it in the job's Secret."
_REACHABLE = "Check the address, the network and that the server is up; the next run tries again."

# What is wrong, as a clause, and what to do about it, as a sentence.
_TEXTS: dict[CauseCode, tuple[str, str]] = {
    CauseCode.TOKEN_EXPIRED: ("the GitLab token has expired", _RENEW),
    CauseCode.TOKEN_REVOKED: ("the GitLab token was revoked", _RENEW),
    CauseCode.TOKEN_REFUSED: ("GitLab does not accept the token", _RENEW),
    CauseCode.SCOPE_MISSING: ("the GitLab token lacks a scope", "Make a token with the scope that is missing."),
    CauseCode.PERMISSION_MISSING: (
        "the GitLab token lacks a permission",
        "Make a token with the permission that GitLab names.",
    ),
    CauseCode.ROLE_MISSING: (
        "the bot account is not a Maintainer of the project",
        "Make the bot account a Maintainer there.",
    ),
    CauseCode.RATE_LIMITED: (
        "the server's rate limit is reached",
        "The next run tries again; set --max-requests-per-minute below the limit if this goes on.",
    ),
    CauseCode.NOT_GITLAB: (
        "what answers is not GitLab's API",
        "Check --gitlab-url, and whether a proxy or a sign-in page stands in front of GitLab.",
    ),
    CauseCode.PROJECT_GONE: (
        "the project is gone, or the token cannot see it",
        "Correct the URL or path, or make the bot account a Maintainer there.",
    ),
    CauseCode.PROJECT_MOVED_OUT: (
        "the project has moved outside the group",
        "Move it back, or add it with --extra-project.",
    ),
    CauseCode.KEY_TAKEN: (
        "somebody has this key outside the group, perhaps as a personal SSH key",
        "Put a new key into the Secret: GitLab takes each public key only once for the whole instance.",
    ),
    CauseCode.LIMIT_REACHED: (
        "the project has as many items of this kind as GitLab allows",
        "Remove some from the project, by hand or by letting this program prune; the next run tries again.",
    ),
    CauseCode.RESOURCE_LOCKED: ("another request changes the same thing", "The next run tries again."),
    CauseCode.TIMEOUT: (
        "it does not answer in time",
        "The next run tries again; raise --timeout if this goes on.",
    ),
    CauseCode.CONNECT_TIMEOUT: ("it does not accept connections in time", _REACHABLE),
    CauseCode.CONNECTION_REFUSED: ("the connection was refused", _REACHABLE),
    CauseCode.CONNECTION_BROKEN: ("the connection broke off", _REACHABLE),
    CauseCode.PROXY_FAILED: ("the proxy does not let it through", "Check HTTPS_PROXY and NO_PROXY, and the proxy."),
    CauseCode.TLS_FAILED: (
        "its TLS certificate is not trusted, or it speaks no TLS",
        "Check the address, and that its CA is known: --ca-file for GitLab, the kubeconfig for Kubernetes.",
    ),
    CauseCode.CERTIFICATE_EXPIRED: (
        "its TLS certificate has expired, or is not valid yet",
        "Have the server's certificate renewed, or correct the clock here.",
    ),
    CauseCode.CERTIFICATE_NAME_WRONG: (
        "its TLS certificate is for another name",
        "Use an address that the certificate names, or have the name added to it.",
    ),
    CauseCode.NAME_NOT_RESOLVED: ("its name cannot be resolved", "Check the address, and DNS where the job runs."),
    CauseCode.ADDRESS_UNUSABLE: ("its address cannot be used", "Correct --gitlab-url."),
    CauseCode.CREDENTIALS_UNUSABLE: ("the credentials cannot be used", "Renew the token or its file."),
    CauseCode.SERVER_ERROR: (
        "the server failed",
        "The next run tries again; see the server's health if this goes on.",
    ),
    CauseCode.MALFORMED: (
        "the answer cannot be understood",
        "The next run tries again; see whether this version of the server is supported if this goes on.",
    ),
    CauseCode.UNKNOWN: ("the cause is not known", "The next run tries again; see what the server says."),
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something failed; *detail* completes the clause, and holds no secret."""

    code: CauseCode
    detail: str = ""

    @property
    def clause(self) -> str:
        """What is wrong, to be part of a sentence."""
        clause, _ = _TEXTS[self.code]
        return f"{clause}: {self.detail}" if self.detail else clause

    @property
    def sentence_start(self) -> str:
        """The same clause, to begin a sentence."""
        return self.clause[0].upper() + self.clause[1:]

    @property
    def next_step(self) -> str:
        """What to do about it, as one sentence."""
        return _TEXTS[self.code][1]

    def as_dict(self) -> dict[str, str]:
        """The cause as the report's JSON has it."""
        return {"code": self.code.value, "next": self.next_step}


UNKNOWN = Cause(CauseCode.UNKNOWN)
MALFORMED = Cause(CauseCode.MALFORMED)
