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
    RBAC_MISSING = "RbacMissing"
    ACCOUNT_BLOCKED = "AccountBlocked"
    PASSWORD_EXPIRED = "PasswordExpired"
    TERMS_NOT_ACCEPTED = "TermsNotAccepted"
    RATE_LIMITED = "RateLimited"
    MAINTENANCE_MODE = "MaintenanceMode"
    NOT_GITLAB = "NotGitLab"
    NOT_KUBERNETES = "NotKubernetes"
    GROUP_GONE = "GroupGone"
    PROJECT_GONE = "ProjectGone"
    PROJECT_MOVED_OUT = "ProjectMovedOut"
    PROJECT_SCHEDULED_FOR_DELETION = "ProjectScheduledForDeletion"
    PROJECT_ARCHIVED = "ProjectArchived"
    LIMIT_REACHED = "LimitReached"
    KEY_TAKEN = "KeyTaken"
    KEY_TYPE_FORBIDDEN = "KeyTypeForbidden"
    KEY_TOO_SHORT = "KeyTooShort"
    KEY_REFUSED = "KeyRefused"
    KEY_UNREADABLE = "KeyUnreadable"
    EXPIRY_REQUIRED = "ExpiryRequired"
    WEBHOOK_URL_BLOCKED = "WebhookUrlBlocked"
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
    CauseCode.SCOPE_MISSING: (
        "the GitLab token lacks a scope",
        "Make a token with the scope api (read_api is enough for a dry run, check and trace).",
    ),
    CauseCode.PERMISSION_MISSING: (
        "the fine-grained GitLab token lacks a permission",
        "Make a token with the permissions that `flux-gitlab-syncer check` lists.",
    ),
    CauseCode.ROLE_MISSING: (
        "the bot account is not a Maintainer of the project",
        "Make the bot account a Maintainer there.",
    ),
    CauseCode.RBAC_MISSING: (
        "the job's Role does not allow it",
        "Compare the job's Role with the one that this program ships, and that it is bound to the job's account.",
    ),
    CauseCode.ACCOUNT_BLOCKED: (
        "GitLab denies access to the bot account",
        "Have an administrator of GitLab do what it says, then wait for the next run.",
    ),
    CauseCode.PASSWORD_EXPIRED: (
        "the bot account's password has expired",
        "Sign in to GitLab as the bot account and set a new password, or use a service account, which has none.",
    ),
    CauseCode.TERMS_NOT_ACCEPTED: (
        "the bot account has not accepted GitLab's terms of service",
        "Sign in to GitLab as the bot account and accept them.",
    ),
    CauseCode.RATE_LIMITED: (
        "the server's rate limit is reached",
        "The next run tries again; set --max-requests-per-minute below the limit if this goes on.",
    ),
    CauseCode.MAINTENANCE_MODE: (
        "GitLab is in maintenance mode and takes no changes",
        "Wait until its administrator ends that; the next run after it makes the changes.",
    ),
    CauseCode.NOT_GITLAB: (
        "something in front of GitLab answered, not GitLab's API",
        "Check --gitlab-url, and whether a proxy, a firewall or a sign-in page stands between the job and GitLab.",
    ),
    CauseCode.NOT_KUBERNETES: (
        "what answers is not the API of Kubernetes",
        "Check that this is the address of a Kubernetes API server, and what stands between the job and it.",
    ),
    CauseCode.GROUP_GONE: (
        "the group is gone, or the token cannot see it",
        "Correct --group, or make the bot account a Maintainer of the group.",
    ),
    CauseCode.PROJECT_GONE: (
        "the project is gone, or the token cannot see it",
        "Correct the URL or path, or make the bot account a Maintainer there.",
    ),
    CauseCode.PROJECT_MOVED_OUT: (
        "the project has moved outside the group",
        "Move it back, or add it with --extra-project.",
    ),
    CauseCode.PROJECT_SCHEDULED_FOR_DELETION: (
        "the project is scheduled for deletion",
        "Restore it at GitLab (Settings > General > Advanced), or remove the GitRepository that names it.",
    ),
    CauseCode.PROJECT_ARCHIVED: (
        "the project is archived",
        "Unarchive it at GitLab (Settings > General > Advanced), or remove the GitRepository that names it.",
    ),
    CauseCode.LIMIT_REACHED: (
        "the project has as many items of this kind as GitLab allows",
        "Remove some from the project, by hand or by letting this program prune; the next run tries again.",
    ),
    CauseCode.KEY_TAKEN: (
        "somebody has this key outside the group, perhaps as a personal SSH key",
        "Put a new key into the Secret: GitLab takes each public key only once for the whole instance.",
    ),
    CauseCode.KEY_TYPE_FORBIDDEN: (
        "this GitLab does not allow keys of this type",
        "Put a key of another type into the Secret: `flux create secret git` with --ssh-key-algorithm makes one.",
    ),
    CauseCode.KEY_TOO_SHORT: (
        "this GitLab does not allow keys this short",
        "Put a longer key into the Secret: `flux create secret git` with --ssh-rsa-bits, or an ed25519 key.",
    ),
    CauseCode.KEY_REFUSED: (
        "GitLab does not take this key",
        "Put a new key into the Secret: `flux create secret git` makes one.",
    ),
    CauseCode.KEY_UNREADABLE: (
        "a deploy key of the project is no public key",
        "Remove that deploy key from the project: until then nobody can tell whether it is one of ours.",
    ),
    CauseCode.EXPIRY_REQUIRED: (
        "this GitLab requires an expiry date for SSH keys, within its longest lifetime",
        "Add the key to the project by hand with an expiry date, and the next run uses it; or have the limit lifted.",
    ),
    CauseCode.WEBHOOK_URL_BLOCKED: (
        "this GitLab does not send webhooks to this URL",
        "Have the host of --receiver-url allowed there: Admin > Settings > Network > Outbound requests.",
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
