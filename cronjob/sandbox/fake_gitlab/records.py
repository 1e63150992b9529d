"""The records of the embedded GitLab: users, tokens, groups, projects, deploy keys, webhooks, request log."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from cronjob.sandbox.fake_gitlab.ssh_keys import PublicKey

GUEST, REPORTER, DEVELOPER, MAINTAINER, OWNER = 10, 20, 30, 40, 50


@dataclass(eq=False)
class User:
    id: int
    username: str
    admin: bool
    created_at: datetime
    # Validation errors are answered in this language.
    preferred_language: str = "en"
    # A key of `account_access.REASONS`: why the account may not use the API.
    access_denied: str = ""


@dataclass(eq=False)
class Token:
    """
    An access token. *kind* is personal, project or oauth; an oauth token has no record of itself.

    *permissions* make it a fine-grained token, whose scopes are `("granular",)`.
    """

    id: int
    value: str = field(repr=False)
    user: User
    created_at: datetime
    scopes: tuple[str, ...] = ("api",)
    expires_at: str | None = None
    kind: str = "personal"
    name: str = "sandbox"
    revoked: bool = False
    permissions: frozenset[str] | None = None

    def expired_on(self, today: date) -> bool:
        return self.expires_at is not None and date.fromisoformat(self.expires_at[:10]) <= today


@dataclass(eq=False)
class Group:
    """A namespace: a group, or with *kind* ``user`` a user's personal namespace."""

    id: int
    path: str
    parent: "Group | None"
    created_at: datetime
    visibility: str = "public"
    kind: str = "group"
    marked_for_deletion_on: date | None = None
    members: dict[int, int] = field(default_factory=dict)
    subgroups: dict[int, "Group"] = field(default_factory=dict)
    projects: dict[int, "Project"] = field(default_factory=dict)
    shared: dict[int, "Project"] = field(default_factory=dict)

    @property
    def full_path(self) -> str:
        return f"{self.parent.full_path}/{self.path}" if self.parent else self.path

    @property
    def lineage(self) -> "Iterator[Group]":
        """This namespace and all namespaces above it."""
        yield self
        if self.parent:
            yield from self.parent.lineage

    @property
    def all_projects(self) -> "Iterator[Project]":
        """The projects here and in every subgroup, without shared ones."""
        yield from self.projects.values()
        for subgroup in self.subgroups.values():
            yield from subgroup.all_projects


@dataclass(eq=False)
class Project:
    id: int
    path: str
    namespace: Group
    created_at: datetime
    visibility: str = "private"
    archived: bool = False
    marked_for_deletion_on: date | None = None
    empty_repo: bool = False
    description: str | None = None
    import_url: str | None = None
    runners_token: str = field(default="GR1348941sandboxRunnersToken", repr=False)
    members: dict[int, int] = field(default_factory=dict)
    shares: dict[Group, int] = field(default_factory=dict)
    # can_push by key id, in the order of attachment, which is the order of GitLab's list.
    keys: dict[int, bool] = field(default_factory=dict)
    hooks: "dict[int, Hook]" = field(default_factory=dict)

    @property
    def path_with_namespace(self) -> str:
        return f"{self.namespace.full_path}/{self.path}"


@dataclass(eq=False)
class Key:
    """One public key of the whole instance, with the projects it is attached to."""

    id: int
    title: str
    key: str
    public_key: PublicKey
    created_at: datetime
    user: User | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    public: bool = False
    # A user's own SSH key is no deploy key, but its fingerprint is taken.
    personal: bool = False
    projects: dict[int, Project] = field(default_factory=dict)


@dataclass(eq=False)
class Hook:
    """A project's webhook; *token* and the values of headers and variables never leave through the API."""

    id: int
    project_id: int
    url: str
    created_at: datetime
    updated_at: datetime
    name: str | None = None
    description: str | None = None
    token: str | None = field(default=None, repr=False)
    signing_token: str | None = field(default=None, repr=False)
    push_events: bool = True
    tag_push_events: bool = False
    merge_requests_events: bool = False
    repository_update_events: bool = False
    issues_events: bool = False
    confidential_issues_events: bool = False
    note_events: bool = False
    confidential_note_events: bool | None = None
    pipeline_events: bool = False
    wiki_page_events: bool = False
    job_events: bool = False
    deployment_events: bool = False
    feature_flag_events: bool = False
    releases_events: bool = False
    milestone_events: bool = False
    emoji_events: bool = False
    resource_access_token_events: bool = False
    resource_deploy_token_events: bool = False
    vulnerability_events: bool = False
    duo_flow_callback_enabled: bool = False
    enable_ssl_verification: bool = True
    push_events_branch_filter: str | None = None
    branch_filter_strategy: str = "wildcard"
    custom_webhook_template: str | None = None
    url_variables: dict[str, str] = field(default_factory=dict, repr=False)
    custom_headers: dict[str, str] = field(default_factory=dict, repr=False)
    alert_status: str = "executable"
    disabled_until: datetime | None = None
    deliveries: list["Delivery"] = field(default_factory=list, repr=False)


@dataclass(frozen=True)
class Delivery:
    """One delivery of a webhook, as GitLab logs it; *status* is a code, or the message of a failed connection."""

    id: int
    url: str
    trigger: str
    status: int | str


@dataclass
class Request:
    """One logged request. *status* is 0 until it is answered, and stays 0 if the answer was dropped or cut."""

    method: str
    path: str
    query: dict[str, str]
    body: Any = None
    status: int = 0
