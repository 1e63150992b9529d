"""
The problem codes: one row for each, with its severity, whether it holds, its link of `trace`, its meaning and the fix.

README's table of problems is made of these rows, and so are the severities of reports and metrics.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """The severity of a problem; an error makes the run exit 1 unless `--fail-on` says otherwise."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


ERROR = (Severity.ERROR,)
WARNING = (Severity.WARNING,)
NOTICE = (Severity.NOTICE,)
# An error or a warning, as the case may be; `Problem.of` is given the severity that is not the first.
ERROR_OR_WARNING = (Severity.ERROR, Severity.WARNING)
NOTICE_OR_WARNING = (Severity.NOTICE, Severity.WARNING)


class Hold(Enum):
    """Whether a problem keeps our items from being deleted until it is solved."""

    YES = "yes"
    NO = "no"
    IF_ERROR = "if an error"


class Row(NamedTuple):
    """The row of one problem code. *severities* begins with the usual one; *link* None is the link of the object."""

    severities: tuple[Severity, ...]
    hold: Hold
    link: str | None
    meaning: str
    fix: str


class Code(StrEnum):
    """Every problem that this program can name, with its row; the names are part of its public interface."""

    row: Row

    def __new__(cls, name: str, row: Row) -> Code:
        """Make a member that is its name and carries its row."""
        code = str.__new__(cls, name)
        code._value_ = name
        code.row = row
        return code

    @property
    def severity(self) -> Severity:
        """The usual severity."""
        return self.row.severities[0]

    SECRET_NOT_FOUND = (
        "SecretNotFound",
        Row(
            ERROR,
            Hold.YES,
            "secret",
            "the Secret, or its key `identity` or `token`, does not exist",
            "create it: `flux create secret git`, or a Secret with the key `token`",
        ),
    )
    SECRET_UNREADABLE = (
        "SecretUnreadable",
        Row(
            ERROR,
            Hold.YES,
            "secret",
            "Kubernetes did not give the Secret",
            "let the job `get` Secrets; else wait for the next run",
        ),
    )
    KEY_UNUSABLE = (
        "KeyUnusable",
        Row(
            ERROR,
            Hold.YES,
            "secret",
            "no public key can be made of `identity`: broken, wrong passphrase, too large",
            "correct it, or make a new one",
        ),
    )
    URL_UNUSABLE = (
        "UrlUnusable",
        Row(
            ERROR,
            Hold.YES,
            None,
            "no project can be read from `spec.url`; its host is unknown, its path one of the group; it is malformed",
            "write it as `ssh://git@HOST/GROUP/PROJECT.git`; another name of this GitLab belongs under `git_hosts`",
        ),
    )
    PROJECT_NOT_FOUND = (
        "ProjectNotFound",
        Row(
            ERROR,
            Hold.YES,
            "project",
            "GitLab has no such project that the token can see",
            "correct the URL, or make the bot a Maintainer there",
        ),
    )
    PROJECT_UNREADABLE = (
        "ProjectUnreadable",
        Row(
            ERROR,
            Hold.YES,
            "project",
            "the project, its keys or its webhooks could not be read; nothing on it is changed",
            "make the bot a Maintainer there; if GitLab was down, wait",
        ),
    )
    PROJECT_REPLACED = (
        "ProjectReplaced",
        Row(
            ERROR,
            Hold.YES,
            "project",
            "another project is at the path: not the pinned one, or newer than the key that an unwanted project has",
            "find out whose project it is; then set the annotation `project-id`, or correct the URL",
        ),
    )
    PROJECT_SCHEDULED_FOR_DELETION = (
        "ProjectScheduledForDeletion",
        Row(
            ERROR,
            Hold.YES,
            "project",
            "GitLab is about to delete the project, or a group above it; nothing is created there",
            "restore it at GitLab, or remove the GitRepository",
        ),
    )
    RECEIVER_TARGET_NOT_FOUND = (
        "ReceiverTargetNotFound",
        Row(
            ERROR,
            Hold.YES,
            None,
            "the Receiver names a GitRepository that does not exist, `*` without `matchLabels`, or is malformed",
            "correct `spec.resources`",
        ),
    )
    TOKEN_UNUSABLE = (
        "TokenUnusable",
        Row(
            ERROR,
            Hold.YES,
            None,
            "no HTTP header can carry the token (a line break, blanks at its ends, not UTF-8), or it is a credential: "
            "of this job, of GitLab, of a service account, a JSON web token",
            "store it again with `printf %s`; name a Secret made for this Receiver; revoke what was sent",
        ),
    )
    RECEIVER_PATH_COLLISION = (
        "ReceiverPathCollision",
        Row(
            ERROR,
            Hold.YES,
            None,
            "two Receivers have the same webhook path; Flux serves one",
            "give each Receiver its own token",
        ),
    )
    ANNOTATION_UNUSABLE = (
        "AnnotationUnusable",
        Row(
            ERROR_OR_WARNING,
            Hold.IF_ERROR,
            None,
            "an annotation under `flux-gitlab-syncer/` cannot be read (`reconcile` and `project-id` are errors), "
            "or no annotation has this name",
            "correct it, or remove it",
        ),
    )
    OVER_BUDGET = (
        "OverBudget",
        Row(
            ERROR,
            Hold.YES,
            None,
            "a namespace asks for more work than one run does for it: costly keys, look-ups, problems",
            "correct or remove the objects that it names; the others of the namespace are served",
        ),
    )
    MARK_ELSEWHERE = (
        "MarkElsewhere",
        Row(
            ERROR,
            Hold.YES,
            "webhook",
            "a webhook with our mark lies at a URL that is not ours",
            "add the old base URL to `previous_receiver_urls`, or rename one cluster",
        ),
    )
    CLUSTER_NAME_TAKEN = (
        "ClusterNameTaken",
        Row(
            ERROR,
            Hold.YES,
            "project",
            "an item with our mark was made after its Secret or Receiver last changed, which gives something else",
            "find out who has this cluster's name; else remove the item, or touch the Secret",
        ),
    )
    UNKNOWN_EVENT = (
        "UnknownEvent",
        Row(
            ERROR_OR_WARNING,
            Hold.IF_ERROR,
            None,
            "GitLab sends no such event; an error where no other is left",
            "write it as GitLab does: `Push Hook`",
        ),
    )
    WEBHOOK_FOREIGN_MARK = (
        "WebhookForeignMark",
        Row(
            ERROR,
            Hold.NO,
            "webhook",
            "another cluster's webhook lies at the wanted URL",
            "give each cluster its own base URL, each Receiver its own token",
        ),
    )
    NOT_ALLOWED = (
        "NotAllowed",
        Row(
            ERROR,
            Hold.NO,
            None,
            "the `tenancy` rules, or `cross_namespace_refs`, do not allow it",
            "correct the object, or the rules",
        ),
    )
    CANNOT_PUT_BACK = (
        "CannotPutBack",
        Row(
            ERROR,
            Hold.NO,
            None,
            "`undo`: its project, GitRepository or Receiver is gone, its token is another one, or it is not ours",
            "the message says why; where the object still wants it, a run makes it anew",
        ),
    )
    KEY_SHARED_ACROSS_CLUSTERS = (
        "KeySharedAcrossClusters",
        Row(
            ERROR_OR_WARNING,
            Hold.NO,
            "deploy-key",
            "the key carries another cluster's mark and may be removed by it; an error in the run that joins it",
            "give each cluster its own key",
        ),
    )
    RECEIVER_NOT_READY = (
        "ReceiverNotReady",
        Row(
            WARNING,
            Hold.YES,
            None,
            "Flux would refuse deliveries now",
            "`kubectl describe receiver`",
        ),
    )
    ROTATION_IN_FLIGHT = (
        "RotationInFlight",
        Row(
            WARNING,
            Hold.YES,
            None,
            "the token is newer than the Receiver's path",
            "wait, or `flux reconcile receiver`",
        ),
    )
    URL_NOT_FETCHABLE = (
        "UrlNotFetchable",
        Row(
            WARNING,
            Hold.NO,
            None,
            "Flux cannot fetch this URL, though the project is clear: `ssh://git@host:group/...`",
            "write `/` for the colon",
        ),
    )
    PUBLIC_KEY_MISMATCH = (
        "PublicKeyMismatch",
        Row(
            WARNING,
            Hold.NO,
            "secret",
            "`identity.pub` does not belong to `identity`",
            "correct or remove `identity.pub`",
        ),
    )
    PROJECT_MOVED = (
        "ProjectMoved",
        Row(
            WARNING,
            Hold.NO,
            "project",
            "the project has a new path; anybody may take the old one",
            "correct the URL",
        ),
    )
    KEY_UNMARKED = (
        "KeyUnmarked",
        Row(
            WARNING,
            Hold.NO,
            "deploy-key",
            "the wanted key carries no mark and would not be removed later",
            "[docs/adopting.md](docs/adopting.md)",
        ),
    )
    KEY_EXPIRED = (
        "KeyExpired",
        Row(
            WARNING,
            Hold.NO,
            "deploy-key",
            "the deploy key has expired",
            "make a new key",
        ),
    )
    TOKEN_EXPIRES_SOON = (
        "TokenExpiresSoon",
        Row(
            WARNING,
            Hold.NO,
            None,
            "the job's GitLab token has 14 days or less left",
            "make a new one",
        ),
    )
    WEBHOOK_DISABLED = (
        "WebhookDisabled",
        Row(
            WARNING,
            Hold.NO,
            "webhook",
            "GitLab switched the webhook off after failed deliveries",
            "find out why, then send a test push in GitLab, or `--heal-webhooks`",
        ),
    )
    REMOVED_AGAIN = (
        "RemovedAgain",
        Row(
            WARNING,
            Hold.NO,
            None,
            "`undo`: nothing wants what was put back, so the next run removes it",
            "bring back the GitRepository or Receiver, or suspend the job",
        ),
    )
    EMPTY_TOKEN = (
        "EmptyToken",
        Row(
            NOTICE,
            Hold.YES,
            None,
            "the Receiver's token is empty; no webhook is made",
            "store a token, if GitLab should call it",
        ),
    )
    SUSPENDED = (
        "Suspended",
        Row(
            NOTICE,
            Hold.YES,
            None,
            "the Receiver is suspended; its webhooks stay as they are",
            "`flux resume receiver`",
        ),
    )
    DISABLED = (
        "Disabled",
        Row(
            NOTICE,
            Hold.YES,
            None,
            "the annotation says `disabled`",
            "remove the annotation",
        ),
    )
    FOREIGN_HOST = (
        "ForeignHost",
        Row(
            NOTICE,
            Hold.NO,
            None,
            "the URL's host is not this GitLab",
            "list it under `git_hosts`, if it is",
        ),
    )
    PROJECT_OUTSIDE_GROUP = (
        "ProjectOutsideGroup",
        Row(
            NOTICE,
            Hold.NO,
            "project",
            "the project lies outside the groups and is never touched",
            "`--extra-project`, if it should be",
        ),
    )
    RECEIVER_TYPE_UNSUPPORTED = (
        "ReceiverTypeUnsupported",
        Row(
            NOTICE,
            Hold.NO,
            None,
            "GitLab cannot feed this type of Receiver",
            "use `gitlab` or `generic`",
        ),
    )
    KEY_CAN_PUSH = (
        "KeyCanPush",
        Row(
            NOTICE,
            Hold.NO,
            "deploy-key",
            "the deploy key may push",
            "`can_push: read-only`, if it must not",
        ),
    )
    WEBHOOK_UNMARKED = (
        "WebhookUnmarked",
        Row(
            NOTICE,
            Hold.NO,
            "webhook",
            "an unmarked webhook under our base URL that nobody wants",
            "[docs/adopting.md](docs/adopting.md)",
        ),
    )
    WEBHOOK_IN_USE = (
        "WebhookInUse",
        Row(
            NOTICE,
            Hold.NO,
            "webhook",
            "an unmarked webhook leads to a listed Receiver that asks for none there; it is never removed",
            "[docs/adopting.md](docs/adopting.md)",
        ),
    )
    NAMESPACE_NOT_READ = (
        "NamespaceNotRead",
        Row(
            NOTICE,
            Hold.NO,
            None,
            "items of our cluster are marked with a namespace that this run does not read",
            "`previous_namespaces`, if it has moved",
        ),
    )
    WEBHOOKS_OFF = (
        "WebhooksOff",
        Row(
            NOTICE_OR_WARNING,
            Hold.NO,
            None,
            "there is no `--receiver-url`: a notice where there are Receivers, a warning where webhooks of ours exist",
            "set it",
        ),
    )
    PLAIN_HTTP_RECEIVER = (
        "PlainHttpReceiver",
        Row(
            WARNING,
            Hold.NO,
            None,
            "`--receiver-url` is plain http, and its host is not loopback: the network can read the tokens",
            "give an https address",
        ),
    )
    TOO_MANY_OUTSIDE = (
        "TooManyOutside",
        Row(
            WARNING,
            Hold.NO,
            None,
            "fewer than half of ten or more GitRepositories on this GitLab, or none of any number, lie in the groups",
            "see whether `--group` names the tenants' group",
        ),
    )


CODES = {str(code): code for code in Code}
