"""What holds our items on one project as a whole, and which of them somebody with our name has put there."""

from __future__ import annotations

from dataclasses import dataclass

from reconcile.actual import Found, FoundKey, Items
from reconcile.desired.desired import Desired
from reconcile.desired.freshness import Source
from reconcile.marks import Owner
from reconcile.model import Kind, Project, shown_url
from reconcile.plan.changes import Findings, Kept
from reconcile.problems import Code, Problem
from reconcile.rules import Rules


@dataclass(frozen=True, slots=True)
class ProjectHolds:
    """
    *everything* keeps all of ours on *project*. *taken* are items that nobody here asked for, with their sources.

    Where there are such items no delete counts as replaced: what would replace it may be another cluster's.
    """

    project: Project
    everything: Code | None
    taken: dict[tuple[Kind, int], Source]

    @classmethod
    def of(cls, items: Items, everything: Code | None, desired: Desired, rules: Rules) -> ProjectHolds:
        """Find the items that are ours by their mark, not wanted, and newer than their source."""
        keys, webhooks = desired.keys.get(items.project.id, {}), desired.webhooks.get(items.project.id, {})
        unwanted: list[Found] = [found for found in items.keys if found.key not in keys]
        unwanted += [found for found in items.webhooks if found.url not in webhooks]
        ours = [found for found in unwanted if found.owner is Owner.OURS and not rules.identity.every_namespace]
        sources = {(found.kind, found.id): desired.source_states.contradicting(found, rules) for found in ours}
        return cls(items.project, everything, {item: source for item, source in sources.items() if source})

    def keeps(self, found: Found, otherwise: Code | None, findings: Findings) -> bool:
        """Whether an item of ours is kept, which is then recorded; *otherwise* is what holds the item by itself."""
        taken = Code.CLUSTER_NAME_TAKEN if (found.kind, found.id) in self.taken else None
        because = self.everything or otherwise or taken
        if because is None:
            return False
        findings.kept.append(Kept(self.project, found, because))
        if because is Code.CLUSTER_NAME_TAKEN:
            findings.problems.append(self._problem(found))
        return True

    def _problem(self, found: Found) -> Problem:
        source = self.taken[found.kind, found.id]
        is_key = isinstance(found, FoundKey)
        what = f"Deploy key {found.id}" if is_key else f"Webhook {found.id} at {shown_url(found.name)}"
        message = (
            f"{what} carries our mark for {source.ref}, which gives another one and had not changed for ten minutes "
            "when GitLab got it: nobody here asked for it, so it stays. Find out who did: another cluster with this "
            "name, a restored backup, a person, `undo`. If it is nobody, remove it at GitLab, or touch the Secret and "
            f"let the next run remove it: `kubectl annotate secret {source.secret.name} -n {source.secret.namespace} "
            "flux-gitlab-syncer/checked=$(date +%F) --overwrite`."
        )
        return Problem.of(Code.CLUSTER_NAME_TAKEN, message, project=self.project.path)
