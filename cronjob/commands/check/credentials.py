"""Check that no Receiver makes this job's own GitLab token, or another credential, a webhook's token."""

from __future__ import annotations

from collections.abc import Iterator

from cronjob.commands.findings import fail, ok, warn
from cronjob.flux.cluster import FluxCluster
from reconcile.desired.receiver_tokens import credential_of
from reconcile.desired.receivers import receiver_requests_from
from reconcile.findings import Finding
from reconcile.model import Ref, Secret
from reconcile.rules import Rules

# The Secrets of the manifests' jobs.
_JOBS_SECRETS = ("flux-gitlab-syncer-token", "flux-gitlab-syncer-audit-token")


def check_credentials(flux: FluxCluster, rules: Rules) -> Iterator[Finding]:
    """Yield a failure for each Receiver whose token is a credential, a warning for a Secret that one could name."""
    named = {receiver.secret: receiver.ref for receiver in receiver_requests_from(flux.listed.receivers)}
    jobs = {Ref("Secret", namespace, name) for namespace in flux.namespaces for name in _JOBS_SECRETS}
    answers = flux.read_secrets((), jobs | {secret for secret in named if secret})
    credentials = {
        secret: credential
        for secret, answer in sorted(answers.items())
        if isinstance(answer, Secret) and (credential := credential_of(answer, rules))
    }
    for secret, credential in credentials.items():
        if secret in named:
            yield fail(
                "credentials", f"{named[secret]} takes its token from {secret}: {credential}; name another Secret"
            )
        else:
            yield warn(
                "credentials",
                f"a Receiver could name {secret}, whose key `token` is a credential ({credential}): keep it under "
                "the key `gitlab-token`, and let --gitlab-token-file name that file",
            )
    if not credentials:
        yield ok("credentials", "no Receiver's token is this job's GitLab token, or another credential")
