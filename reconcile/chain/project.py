"""The link `project`: whether GitLab has the project, and whether a run may serve it."""

from __future__ import annotations

from collections.abc import Iterator

from reconcile.chain.links import Link
from reconcile.chain.problem_findings import findings_for
from reconcile.chain.tenant_trace import TenantTrace
from reconcile.findings import Finding, Level


def project_findings(trace: TenantTrace) -> Iterator[Finding]:
    """Say which project it is, or why it cannot be served."""
    problems = [
        *findings_for(trace.problems(trace.ref), Link.PROJECT, trace.ref),
        *findings_for(trace.problems(None), Link.PROJECT, None),
    ]
    project = trace.project
    if project and not any(finding.level in {Level.FAIL, Level.UNKNOWN} for finding in problems):
        yield Finding(Link.PROJECT, Level.OK, f"{project.path} is project {project.id}", project.path)
    yield from problems
    if project and trace.state and trace.state.archived:
        message = (
            "The project is archived: Flux can fetch it, and nobody can push to it. Unarchive it, if that is wrong."
        )
        yield Finding(Link.PROJECT, Level.WARN, message, project.path)
    if not project and not problems:
        yield Finding(Link.PROJECT, Level.SKIP, "not looked at, since it is not known which project is meant")
