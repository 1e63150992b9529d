"""Flux's messages, as its controllers write them: each is about one kind of failure, with its own next step."""

from __future__ import annotations

import pytest

from reconcile.chain import fetch_messages, kustomization_messages
from reconcile.chain.flux_messages import Cure, cause_of

CLONE = "failed to checkout and determine revision: unable to clone 'ssh://git@gitlab.example.com/tenants/app': "
LIST = "failed to checkout and determine revision: unable to list remote for 'https://gitlab.example.com/tenants/app': "
HTTP = LIST + 'Get "https://gitlab.example.com/tenants/app/info/refs?service=git-upload-pack": '
OPTIONS = "failed to configure authentication options: "
USER = 'User "system:serviceaccount:app:flux"'
ENDED = "timeout waiting for: [Deployment/app/web status: 'InProgress']"

FETCH = [
    (CLONE + "ssh: handshake failed: knownhosts: key mismatch", "shows another host key"),
    (CLONE + "ssh: handshake failed: knownhosts: key is unknown", "has no line for this host"),
    (
        CLONE + "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey]",
        "accept the key",
    ),
    (LIST + "authentication required", "does not accept the key"),
    (LIST + "authentication required: HTTP Basic: Access denied", "does not accept the key"),
    (LIST + "authorization failed", "does not accept the key"),
    (CLONE + "push rejected; check git secret has write access", "does not show it to this key"),
    (LIST + "repository not found", "GitLab has no such project"),
    (CLONE + 'couldn\'t find remote ref "refs/heads/invalid"', "the branch, tag, commit"),
    (CLONE + "reference not found", "the branch, tag, commit"),
    ("failed to checkout and determine revision: no match found for semver: >1.0.0", "the branch, tag, commit"),
    ("failed to checkout and determine revision: unable to resolve commit object for 'ab': object not found", "tag"),
    ("failed to sparse checkout directories : sparse checkout dir 'x' does not exist", "directory that the spec names"),
    ("git repository is empty", "has no commit"),
    (CLONE + "dial tcp: lookup gitlab.example.com on 10.96.0.10:53: no such host", "cannot resolve"),
    (HTTP + "dial tcp: lookup gitlab.example.com: i/o timeout", "cannot resolve"),
    (CLONE + "dial tcp 192.0.2.1:22: i/o timeout", "did not answer within"),
    (CLONE + "context deadline exceeded", "did not answer within"),
    (CLONE + "ssh: handshake failed: read tcp 10.0.0.1:4->192.0.2.1:22: read: connection timed out", "did not answer"),
    (CLONE + "dial tcp 192.0.2.1:22: connect: connection refused", "cannot be reached"),
    (CLONE + "ssh: handshake failed: EOF", "closes the connection"),
    (CLONE + "ssh: no key found", "no private key that Flux can read"),
    (OPTIONS + "asn1: structure error: tags don't match", "no private key that Flux can read"),
    (CLONE + "ssh: this private key is passphrase protected", "`password` in the Secret is missing or wrong"),
    ("SSH identity key is encrypted but no 'password' field was provided in the secret 'a/b'", "is encrypted"),
    (CLONE + "x509: decryption password incorrect", "is encrypted"),
    (OPTIONS + "invalid 'ssh' auth option: 'identity' is required", "has no `identity`"),
    (OPTIONS + "invalid 'ssh' auth option: 'known_hosts' is required", "has no `known_hosts`"),
    ("failed to get secret 'a/b': Secret \"b\" not found", "does not exist"),
    (HTTP + "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: now", "has expired"),
    (HTTP + "x509: certificate is valid for a.example.com, not gitlab.example.com", "is for another name"),
    (HTTP + "x509: cannot validate certificate for 192.0.2.1 because it doesn't contain any IP SANs", "another name"),
    (HTTP + "tls: failed to verify certificate: x509: certificate signed by unknown authority", "does not trust"),
    (CLONE + "ssh: handshake failed: ssh: no common algorithm for host key; client offered: [a]", "no SSH algorithm"),
    (HTTP + "proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused", "the proxy"),
    ("failed to configure proxy options: failed to get secret 'a/proxy'", "does not exist"),
    (LIST + 'unexpected client error: unexpected requesting "https://x" status code: 502', "is overloaded"),
    ("unable to archive artifact to storage: write /data/x: no space left on device", "does not fit"),
    ("no artifact available for include 'base'", "spec.include is not ready"),
    ("signature verification of commit 'ab' failed: unable to verify", "not signed"),
]

KUSTOMIZATION = [
    (
        f'Deployment/app/web dry-run failed (Forbidden): deployments.apps "web" is forbidden: {USER} cannot patch',
        "may not",
    ),
    (
        f'Namespace/app dry-run failed, reason: Forbidden, error: namespaces "app" is forbidden: {USER} cannot',
        "may not",
    ),
    ("can't access 'GitRepository/a/b', cross-namespace references have been blocked", "--no-cross-namespace-refs"),
    ("dependency 'a/b' is not ready", "spec.dependsOn"),
    ("dependency 'a/b' not found: kustomizations.kustomize.toolkit.fluxcd.io \"b\" not found", "spec.dependsOn"),
    ("dependency 'a/b' revision is not up to date", "spec.dependsOn"),
    (ENDED, "do not get ready"),
    ("health check failed after 30s: " + ENDED, "do not get ready"),
    ("failed early due to stalled resources: [Deployment/app/web status: 'Failed']", "do not get ready"),
    ("Source artifact not found, retrying in 30s", "has not been fetched yet"),
    ('gitrepositories.source.toolkit.fluxcd.io "b" not found', "its source does not exist"),
    ("kustomization path not found: stat /tmp/kustomization-1/none: no such file or directory", "spec.path is not in"),
    ("failed to extract archive (check whether file size exceeds max download size): x", "is larger than"),
    ('failed to download archive: GET "http://source-controller/x" giving up after 10 attempt(s)', "cannot load"),
    ("ConfigMap/app/big dry-run failed (RequestEntityTooLarge): Request entity too large: limit is 3145728", "larger"),
    ("ConfigMap/app/x dry-run failed: metadata.annotations: Too long: must have at most 262144 bytes", "larger"),
    ('Pod/app/x dry-run failed: admission webhook "v.example.com" denied the request: no', "admission policy"),
    ('Foo/app/x dry-run failed: no matches for kind "Foo" in version "example.com/v1"', "does not know the kind"),
    ('ConfigMap/none/x dry-run failed (NotFound): namespaces "none" not found', "namespace does not exist"),
    ("Deployment/app/web dry-run failed (Invalid): spec.selector: Invalid value: field is immutable", "does not let"),
    ("decryption failed for 'v1/Secret/x': cannot get sops data key", "cannot be decrypted"),
    (
        "Secret/app/x is SOPS encrypted, configuring decryption is required for this secret to be reconciled",
        "decrypted",
    ),
    ("post build failed for 'v1/ConfigMap/x': variable substitution failed", "spec.postBuild"),
    ("kustomize build failed: accumulating resources: no such file", "cannot build"),
    (
        "Ingress/app/x dry-run failed: failed calling webhook: context deadline exceeded",
        "does not reach the API server",
    ),
    ('Service/app/x dry-run failed (Invalid): Service "x" is invalid: spec.ports: Required value', "refuses a field"),
]


@pytest.mark.parametrize(("message", "meaning"), FETCH)
def test_a_message_of_source_controller_has_one_meaning(message: str, meaning: str) -> None:
    cause = cause_of(message, fetch_messages.CAUSES)

    assert cause
    assert meaning in cause.meaning


@pytest.mark.parametrize(("message", "meaning"), KUSTOMIZATION)
def test_a_message_of_kustomize_controller_has_one_meaning(message: str, meaning: str) -> None:
    cause = cause_of(message, kustomization_messages.CAUSES)

    assert cause
    assert meaning in cause.meaning


def test_every_kind_of_failure_is_found_by_a_message() -> None:
    for rows, causes in ((FETCH, fetch_messages.CAUSES), (KUSTOMIZATION, kustomization_messages.CAUSES)):
        assert {cause_of(message, causes) for message, _ in rows} == set(causes)


def test_a_project_that_is_called_like_a_failure_is_none() -> None:
    message = "unable to clone 'ssh://git@gitlab.example.com/proxyconnect/knownhosts:key-mismatch.git': something new"
    assert cause_of(message, fetch_messages.CAUSES) is None
    assert cause_of("something new", kustomization_messages.CAUSES) is None


def test_only_a_key_or_a_passing_failure_is_cured_by_reconciling_again() -> None:
    cures = {cause.pattern.partition("|")[0]: cause.cure for cause in fetch_messages.CAUSES}

    assert cures["knownhosts: key mismatch"] is cures["couldn't find remote ref"] is Cure.CHANGE
    assert cures["unable to authenticate"] is cures["repository not found"] is Cure.KEY
    assert cures["context deadline exceeded"] is cures["connection refused"] is Cure.RETRY
