"""
What kustomize-controller's messages about a Kustomization mean; the first row that matches counts.

The texts are those of kustomize-controller 1.9 (internal/controller/kustomization_controller.go), fluxcd/pkg
(http/fetch/archive_fetcher.go, tar, ssa) and kube-apiserver (`is forbidden`, `no matches for kind`).
"""

from __future__ import annotations

from reconcile.chain.flux_messages import Cure, MessageCause

CAUSES = (
    MessageCause(
        r"is forbidden: user|cannot impersonate|is forbidden: .*attempt(ing)? to grant",
        "the service account may not do this, or does not exist",
        "Give the right that the message names to that service account, or correct spec.serviceAccountName.",
    ),
    MessageCause(
        r"cross-namespace references have been blocked",
        "its source is in another namespace, which kustomize-controller's flag --no-cross-namespace-refs forbids",
        "Put the GitRepository into the Kustomization's namespace, or have the flag removed.",
    ),
    MessageCause(
        r"^dependency '",
        "it waits for a Kustomization in spec.dependsOn",
        "Fix the one that the message names first.",
        Cure.RETRY,
    ),
    MessageCause(
        r"timeout waiting for|failed early due to stalled|health check failed",
        "all is applied, and the objects that the message names do not get ready",
        "See `kubectl describe` of those objects; spec.timeout is how long Flux waits.",
        Cure.RETRY,
    ),
    MessageCause(
        r"source artifact not found|artifact not found|file not found",
        "its source has not been fetched yet",
        "Fix the links before this one; Flux then tries again by itself.",
    ),
    MessageCause(
        r"gitrepositor(y|ies)\.source\.toolkit\.fluxcd\.io .* not found",
        "its source does not exist",
        "Correct spec.sourceRef.",
    ),
    MessageCause(
        r"kustomization path not found",
        "spec.path is not in the repository",
        "Correct spec.path, or push that directory.",
    ),
    MessageCause(
        r"max download size|max archive size|failed to extract archive|no space left on device",
        "what was fetched is larger than kustomize-controller takes",
        "Leave files out with spec.ignore of the GitRepository, or with a .sourceignore file.",
    ),
    MessageCause(
        r"failed to download archive|failed to verify archive",
        "kustomize-controller cannot load the artifact from source-controller",
        "See that source-controller runs, and that network policies allow it.",
        Cure.RETRY,
    ),
    MessageCause(
        r"request is too large|request entity too large|too long: must have at most",
        "an object is larger than the API server takes",
        "Split the object that the message names.",
    ),
    MessageCause(
        r"denied the request|denied request|validatingadmissionpolicy",
        "an admission policy of the cluster refuses an object",
        "Correct the object as the policy's message says.",
    ),
    MessageCause(
        r"no matches for kind|could not find the requested resource",
        "the cluster does not know the kind or the version of an object",
        "Correct its apiVersion, or install the CustomResourceDefinition first.",
    ),
    MessageCause(
        r"namespaces? \"[^\"]*\" not found|namespace not specified",
        "an object's namespace does not exist",
        "Create the namespace, or correct the object's or spec.targetNamespace.",
    ),
    MessageCause(
        r"field is immutable",
        "a field is changed that Kubernetes does not let change",
        "Delete the object so that it is made again, or set spec.force for a while.",
    ),
    MessageCause(
        r"decryption failed|error decrypting|SOPS encrypted|failed to decrypt|cannot get sops data key",
        "a file cannot be decrypted",
        "Correct spec.decryption and the key in its Secret.",
    ),
    MessageCause(
        r"post build failed|variable substitution",
        "a variable of spec.postBuild cannot be filled in",
        "Correct spec.postBuild and what it reads.",
    ),
    MessageCause(
        r"kustomize build failed|failed to decode kubernetes",
        "kustomize cannot build what is in spec.path",
        "Try `kustomize build` there, correct the files and push.",
    ),
    MessageCause(
        r"context deadline exceeded|i/o timeout|connection refused|no such host",
        "kustomize-controller does not reach the API server, or a webhook of it, in time",
        "Look at what the message names; Flux tries again.",
        Cure.RETRY,
    ),
    MessageCause(
        r"\(invalid\)|reason: invalid|is invalid:|validation failed|unknown field",
        "the API server refuses a field of an object",
        "Correct the object that the message names, and push.",
    ),
)
