"""
The settings of one run as a frozen value, checked whole: nothing later has to check an option again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cronjob.settings.option import CONFIRMED, SHARED, WHOLE
from cronjob.settings.option_table import OPTIONS, Options
from cronjob.settings.print_config import flags_given, given_options
from cronjob.settings.resolve import Resolved, resolve
from reconcile.credentials import OwnToken
from reconcile.errors import SettingsError
from reconcile.marks import Identity
from reconcile.rules import Rules
from reconcile.run import RunOptions
from reconcile.shares import ALL, Share
from reconcile.tenancy import Tenancy, matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Options):
    """
    What one run is to do, complete and checked: the value of every option, and what else *command* needs.

    *namespaces* may be empty: then it is the one that the access to Kubernetes names. *given* is what the report
    repeats, without secrets; *flags* are the keys of it that were given on the command line. *shard* is this pod's
    index, from 0 to below *shards*.
    """

    command: str
    given: Mapping[str, object]
    flags: frozenset[str]
    token: str = field(repr=False)
    shard: int

    @property
    def gitlab_host(self) -> str:
        """The host of GitLab's API, without a port."""
        return urlsplit(self.gitlab_url).hostname or ""

    @property
    def relative_root(self) -> str:
        """GitLab's relative root, without slashes."""
        return urlsplit(self.gitlab_url).path.strip("/")

    @property
    def share(self) -> Share:
        """This pod's share of the projects; commands that only read take all of them."""
        return Share(self.shard, self.shards) if self.command in SHARED else ALL

    @property
    def formats(self) -> frozenset[str]:
        """Every format in which the report is written."""
        return frozenset({self.output, *(report.format for report in self.reports)})

    def acts_on(self, path: str) -> bool:
        """Whether the project at *path* may be changed."""
        return not self.projects or any(matches(glob, path) for glob in self.projects)

    def writes_events(self, *, in_pod: bool) -> bool:
        """Whether this run writes Kubernetes Events; a dry run never does, nor does `undo`."""
        return self.command in WHOLE and not self.dry_run and (in_pod if self.events is None else self.events)

    def rules(self, namespaces: Iterable[str] = ()) -> Rules:
        """
        The rules of ownership and of wanted content; *namespaces* are those that this run reads.

        `retire` counts a former name only where its confirmation repeats it.
        """
        _, *confirmed = (self.confirm or "").split(",")
        identity = Identity(
            self.cluster,
            frozenset(namespaces),
            frozenset(confirmed if self.command == "retire" else self.previous_clusters),
            frozenset(self.previous_namespaces),
            every_namespace=self.command == "retire",
        )
        return Rules(
            identity,
            receiver_url=self.receiver_url,
            previous_receiver_urls=self.previous_receiver_urls,
            receiver_url_is_ours=self.receiver_url_is_ours,
            owned_keys=frozenset(self.owned_keys),
            read_only_keys=self.can_push == "read-only",
            tls_verification=self.webhook_tls_verification,
            tenancy=self.tenancy or Tenancy(),
            cross_namespace_refs=self.cross_namespace_refs,
            relative_root=self.relative_root,
            adopt=self.adopt,
            refresh_tokens=self.refresh_tokens,
            heal_webhooks=self.heal_webhooks,
            share=self.share,
            foreign_hosts=frozenset(self.foreign_hosts),
            own_token=OwnToken(self.token),
        )

    def run_options(self) -> RunOptions:
        """The options of the run itself. An inventory (CSV) lists everything, so it shows what is foreign too."""
        inventory = "csv" in self.formats
        return RunOptions(
            dry_run=self.dry_run,
            prune=self.prune,
            limits=self.max_prune.divided(self.shards),
            expected=self.expect_plan,
            acts_on=self.acts_on,
            gitlab_host=self.gitlab_host,
            show_foreign=self.show_foreign or inventory,
            inventory=inventory,
        )


def read_settings(command: str, flags: Mapping[str, object], environment: Mapping[str, str]) -> Settings:
    """Read the settings of *command*. Raises SettingsError, whose text has a line for each complaint."""
    return settings_from(resolve(command, flags, environment))


def settings_from(resolved: Resolved) -> Settings:
    """Make the settings of what was resolved already. Raises SettingsError as `read_settings` does."""
    if resolved.complaints:
        raise SettingsError("\n".join(resolved.complaints))
    values: dict[str, Any] = {option.field: resolved.values[option.key] for option in OPTIONS}
    if resolved.command in CONFIRMED:
        values["dry_run"] = values["dry_run"] or values["confirm"] is None
    return Settings(
        command=resolved.command,
        given=given_options(resolved),
        flags=flags_given(resolved),
        token=resolved.token,
        shard=resolved.shard,
        **values,
    )
