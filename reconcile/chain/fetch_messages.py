"""
What source-controller's messages about a GitRepository mean; the first row that matches counts.

The texts are those of source-controller 1.9 (internal/controller/gitrepository_controller.go), fluxcd/pkg
(git/options.go `Validate`, git/gogit/clone.go), go-git 5 (plumbing/transport/common.go), golang.org/x/crypto/ssh
(keys.go, client_auth.go, knownhosts) and Go's net and crypto/x509. GitLab's refusal of a key that is on another project
only begins with an empty line, which clone.go reports as `push rejected; check git secret has write access`.
"""

from __future__ import annotations

from reconcile.chain.flux_messages import Cure, MessageCause

CAUSES = (
    MessageCause(
        r"knownhosts: key mismatch",
        "the server shows another host key than `known_hosts` in the Secret has",
        "Replace `known_hosts` by what `ssh-keyscan HOST` prints, once GitLab's operator has confirmed it.",
    ),
    MessageCause(
        r"knownhosts: key is unknown",
        "`known_hosts` in the Secret has no line for this host and port",
        "Add the server's host key to `known_hosts`; a port other than 22 is written `[HOST]:PORT`.",
    ),
    MessageCause(
        r"passphrase protected|identity key is encrypted|decryption password incorrect",
        "the private key is encrypted, and `password` in the Secret is missing or wrong",
        "Put the key's passphrase into `password`, or use a key without one.",
    ),
    MessageCause(
        r"ssh: no key found|ssh: unsupported key type|unsupported key type|asn1: |failed to parse private key|"
        r"invalid openssh private key format",
        "`identity` in the Secret is no private key that Flux can read",
        "Put the whole private key file there, its BEGIN and END each at the start of a line.",
    ),
    MessageCause(
        r"'identity' is required",
        "the Secret has no `identity`, or spec.secretRef is missing",
        "Name a Secret with `identity` and `known_hosts` in spec.secretRef.",
    ),
    MessageCause(
        r"'known_hosts' is required",
        "the Secret has no `known_hosts`",
        "Add the server's host keys as `known_hosts`: `flux create secret git` does so.",
    ),
    MessageCause(
        r"failed to get secret|PGP public keys secret error",
        "a Secret that the GitRepository names does not exist, or source-controller may not read it",
        "Create the Secret in the GitRepository's namespace, or correct its name in the spec.",
    ),
    MessageCause(
        r"unable to authenticate|authentication required|authorization failed|invalid auth method",
        "GitLab does not accept the key, or the user name and password of an https URL",
        "See the links `secret` and `deploy-key`; with an https URL correct `username` and `password` in the Secret.",
        Cure.KEY,
    ),
    MessageCause(
        r"repository not found|push rejected; check git secret has write access|unknown error: remote|"
        r"could not be found or you don't have permission",
        "GitLab has no such project, or does not show it to this key",
        "See the links `project` and `deploy-key`: correct the path in spec.url, or put the key on that project.",
        Cure.KEY,
    ),
    MessageCause(
        r"couldn't find remote ref|reference not found|unable to resolve|failed to resolve|object not found|"
        r"no match found for semver|semver parse error|failed to sparse checkout",
        "the branch, tag, commit or directory that the spec names does not exist in the project",
        "Correct spec.ref (without one Flux takes the branch `master`), or push what it names.",
    ),
    MessageCause(
        r"repository is empty",
        "the project has no commit on that branch yet",
        "Push a first commit.",
    ),
    MessageCause(
        r"lookup \S+( on \S+)?: |no such host|server misbehaving",
        "the cluster cannot resolve the host's name",
        "Correct the host in spec.url, or the DNS of the cluster.",
        Cure.RETRY,
    ),
    MessageCause(
        r"x509: certificate has expired or is not yet valid",
        "the server's certificate has expired, or is not valid yet",
        "Have the certificate renewed; if it is valid, correct the clock of Flux's node.",
    ),
    MessageCause(
        r"x509: certificate is (not )?valid for|x509: cannot validate certificate for",
        "the server's certificate is for another name",
        "Use a host in spec.url that the certificate names, or have the name added to it.",
    ),
    MessageCause(
        r"x509: certificate signed by unknown authority|x509: |tls: ",
        "Flux does not trust the server's certificate",
        "Put the CA's certificate into `ca.crt` of the Secret that spec.secretRef names.",
    ),
    MessageCause(
        r"no common algorithm",
        "Flux and the server have no SSH algorithm in common",
        "Allow one with source-controller's flags --ssh-kex-algos and --ssh-hostkey-algos.",
    ),
    MessageCause(
        r"proxyconnect|failed to configure proxy",
        "the proxy of spec.proxySecretRef, or of source-controller, refuses the connection",
        "Correct the proxy's address and credentials.",
    ),
    MessageCause(
        r"context deadline exceeded|i/o timeout|connection timed out|client\.timeout",
        "the server did not answer within spec.timeout (60 seconds unless it says otherwise)",
        "Look for a firewall or a network policy in between; raise spec.timeout for a large project.",
        Cure.RETRY,
    ),
    MessageCause(
        r"connection refused|no route to host|network is unreachable|connection reset|broken pipe|\bEOF\b",
        "the server cannot be reached, or closes the connection",
        "See that it runs, that spec.url has the right port, and that a firewall lets Flux through.",
        Cure.RETRY,
    ),
    MessageCause(
        r"too many requests|status code: (429|50[0234])",
        "GitLab is overloaded or limits the rate of requests",
        "Wait; if it stays so, ask the operator of GitLab.",
        Cure.RETRY,
    ),
    MessageCause(
        r"no space left on device",
        "what was fetched does not fit into source-controller's storage",
        "Enlarge its volume, or leave files out with spec.ignore or spec.sparseCheckout.",
    ),
    MessageCause(
        r"for include '",
        "a GitRepository in spec.include is not ready",
        "Fix that GitRepository first: trace it by its name.",
    ),
    MessageCause(
        r"signature verification|is not signed",
        "the commit or tag is not signed as spec.verify demands",
        "Sign it with a key in the Secret of spec.verify, or add the signer's key there.",
    ),
)
