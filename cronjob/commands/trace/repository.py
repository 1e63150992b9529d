"""The links in the configuration namespace: the GitRepository, its Secret, and what Flux says of fetching it."""

from __future__ import annotations

from collections.abc import Iterator

from cronjob.commands.findings import Finding, Level, has_failed
from cronjob.commands.trace.case import Case
from cronjob.commands.trace.links import Link
from cronjob.commands.trace.said import condition, quoted, shell, text_of, told
from reconcile.desired.repositories import RepositoryRequest

# What the reasons of a GitRepository that is not Ready usually mean (source-controller, api/v1/condition_types.go).
REASONS = {
    "AuthenticationFailed": "Flux could not put its credentials together: the Secret is not there, or lacks `identity` "
    "or `known_hosts`, or the key needs a `password`",
    "GitOperationFailed": "GitLab said no: usually the key is not on the project yet; else `known_hosts` has another "
    "host key, the branch in spec.ref does not exist, or the host cannot be reached",
    "URLInvalid": "Flux cannot read spec.url, and does not try again before it is changed",
    "EmptyGitRepository": "the project has no commit on that branch yet",
    "InvalidProviderConfiguration": "spec.provider and the Secret do not belong together",
    "VerificationError": "the commit is not signed as spec.verify demands",
}


def look_at_repository(case: Case) -> Iterator[Finding]:
    """Whether it is there and meant to work, and which project it means."""
    ref, claim = str(case.ref), case.claim
    if claim is None:
        message = "It is being deleted; what belongs to it goes with the next run."
        yield Finding(Link.REPOSITORY, Level.FAIL, message, ref)
        return
    found = list(told(case.problems(case.ref), Link.REPOSITORY, case.ref))
    yield from found
    if case.spec.get("suspend") is True:
        command = shell("flux", "resume", "source", "git", case.ref.name, "--namespace", case.ref.namespace)
        message = "It is suspended: Flux fetches nothing, however right all else is."
        yield Finding(Link.REPOSITORY, Level.FAIL, message, ref, command)
    elif not has_failed(found):
        yield Finding(Link.REPOSITORY, Level.OK, f"asks for {_wish(case, claim)}", ref)


def _wish(case: Case, claim: RepositoryRequest) -> str:
    where = f"{claim.url.path} on {claim.url.host}" if claim.url else "a project"
    wanted = case.spec.get("ref")
    named = (
        [(kind, text_of(wanted.get(kind))) for kind in ("branch", "tag", "semver", "commit", "name")]
        if (isinstance(wanted, dict))
        else []
    )
    revision = next((f", {kind} {text}" for kind, text in named if text), ", branch master")
    interval = text_of(case.spec.get("interval"))
    return f"{where}{revision}{f', every {interval}' if interval else ''}"


def look_at_secret(case: Case) -> Iterator[Finding]:
    """Whether Flux has a key, and which."""
    claim = case.claim
    if claim is None or claim.dropped:
        yield Finding(Link.CREDENTIALS, Level.SKIP, "not looked at, since no run would serve this GitRepository")
        return
    if claim.secret is None:
        yield _without_secret(case)
        return
    found = list(told(case.problems(case.ref), Link.CREDENTIALS, case.ref))
    ref = str(claim.secret)
    if case.key:
        text = f"holds the key {case.key.algorithm} {case.key.fingerprint}"
        yield Finding(Link.CREDENTIALS, Level.OK, text, ref)
    for one in found:
        yield Finding(one.topic, one.level, one.message, ref, one.command or _new_secret(case, claim))


def _without_secret(case: Case) -> Finding:
    if case.provider != "generic":
        return Finding(Link.CREDENTIALS, Level.NOTE, f"spec.provider is {case.provider}, which uses no deploy key")
    if not case.needs_key:
        return Finding(Link.CREDENTIALS, Level.OK, "an https URL needs no SSH key")
    message = "spec.secretRef is missing: an ssh URL needs a Secret with `identity` and `known_hosts`; name one."
    return Finding(Link.CREDENTIALS, Level.FAIL, message)


def _new_secret(case: Case, claim: RepositoryRequest) -> str | None:
    """The command that makes the Secret, if it is not there."""
    if case.key or claim.secret is None or claim.url is None or not claim.url.fetchable:
        return None
    url = f"ssh://git@{claim.url.host}/{claim.url.path}.git"
    return shell(
        "flux", "create", "secret", "git", claim.secret.name, "--namespace", claim.secret.namespace, f"--url={url}"
    )


def look_at_fetch(case: Case) -> Iterator[Finding]:
    """The GitRepository's Ready condition: what comes of all links before it."""
    ref = str(case.ref)
    ready, metadata, status = condition(case.item), case.item["metadata"], case.item.get("status") or {}
    if case.claim is None or case.spec.get("suspend"):
        yield Finding(Link.FETCH, Level.SKIP, "not looked at: what Flux said last is no news of today", ref)
        return
    again = shell("flux", "reconcile", "source", "git", case.ref.name, "--namespace", case.ref.namespace)
    seen, now = status.get("observedGeneration"), metadata.get("generation")
    match ready.get("status"):
        case "True" if isinstance(seen, int) and isinstance(now, int) and seen < now:
            yield Finding(Link.FETCH, Level.WARN, "Flux has not seen its newest spec yet.", ref, again)
        case "True":
            artifact = status.get("artifact")
            revision = quoted(text_of(artifact.get("revision"))) if isinstance(artifact, dict) else ""
            yield Finding(Link.FETCH, Level.OK, f"Flux has fetched {revision or 'it'}", ref)
        case "False":
            # One that is stalled waits for another spec.
            stalled = condition(case.item, "Stalled").get("status") == "True"
            yield Finding(Link.FETCH, Level.FAIL, _why_not(case), ref, None if stalled else again)
        case _:
            message = "Flux has not said yet whether it can fetch it; if that stays so, see source-controller's log."
            yield Finding(Link.FETCH, Level.WARN, message, ref, again)


def _why_not(case: Case) -> str:
    ready = condition(case.item)
    reason, message = text_of(ready.get("reason")), quoted(text_of(ready.get("message")))
    meaning = REASONS.get(reason)
    said = f"Not Ready, {reason or 'without a reason'}{f': {meaning}' if meaning else ''}."
    hope = " The key is on the project now; Flux may wait up to 15 minutes before it tries again."
    has_key = case.items is not None and any(found.key == case.key and not found.expired for found in case.items.keys)
    tail = hope if has_key and reason == "GitOperationFailed" else ""
    return f"{said}{f' Flux says: {message}.' if message else ''}{tail}"
