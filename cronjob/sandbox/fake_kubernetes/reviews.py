"""
Access reviews: who am I, and what may I do?
"""

from __future__ import annotations

import json
from typing import Any

from cronjob.sandbox.fake_kubernetes.authorization import Attempt
from cronjob.sandbox.fake_kubernetes.impersonation import Identity
from cronjob.sandbox.fake_kubernetes.kinds import KINDS
from cronjob.sandbox.fake_kubernetes.paths import Target
from cronjob.sandbox.fake_kubernetes.schema import api_version
from cronjob.sandbox.fake_kubernetes.status import bad_request
from cronjob.sandbox.fake_kubernetes.world import KubernetesWorld

Answer = dict[str, Any]


def review(world: KubernetesWorld, target: Target, body: str, identity: Identity) -> Answer:
    """The review that was sent, with its status filled in. Every user may send one."""
    try:
        spec = json.loads(body).get("spec") or {}
    except (ValueError, AttributeError):
        raise bad_request("the body of the request is not an object") from None
    return {
        "kind": target.kind.kind,
        "apiVersion": api_version(target.kind.group, target.version),
        "metadata": {"creationTimestamp": None},
        "spec": spec,
        "status": ANSWERS[target.kind.kind](world, spec, identity),
    }


def _access(world: KubernetesWorld, spec: Answer, identity: Identity) -> Answer:
    attributes = spec.get("resourceAttributes")
    if attributes is None:
        return {"allowed": True}
    resource = str(attributes.get("resource", ""))
    if subresource := attributes.get("subresource"):
        resource = f"{resource}/{subresource}"
    attempt = Attempt(
        str(attributes.get("verb", "")),
        str(attributes.get("group", "")),
        resource,
        str(attributes.get("namespace", "")),
        str(attributes.get("name", "")),
    )
    return {"allowed": world.allows(attempt, identity.user)}


def _rules(world: KubernetesWorld, spec: Answer, identity: Identity) -> Answer:
    namespace = str(spec.get("namespace", ""))
    rules = []
    for kind in KINDS:
        attempts = [Attempt(verb, kind.group, kind.plural, namespace) for verb in kind.verbs]
        verbs = [attempt.verb for attempt in attempts if world.allows(attempt, identity.user)]
        if verbs:
            rules.append({"verbs": verbs, "apiGroups": [kind.group], "resources": [kind.plural]})
    return {"resourceRules": rules, "nonResourceRules": [], "incomplete": False}


def _self(_world: KubernetesWorld, _spec: Answer, identity: Identity) -> Answer:
    info = {"username": identity.user, "groups": list(identity.groups), "uid": identity.uid, "extra": identity.extra}
    return {"userInfo": {name: value for name, value in info.items() if value}}


ANSWERS = {
    "SelfSubjectAccessReview": _access,
    "SelfSubjectRulesReview": _rules,
    "SelfSubjectReview": _self,
}
