"""The tools side by side: what each can do, and how the same desired state is told to it. Standard library only."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.peers.offer import Offer

ROOT = Path(__file__).parents[2]
VENVS = ROOT / ".venv/peers"
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Call:
    """A command, and all that is in its environment besides `PATH` and `HOME`."""

    command: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Tool:
    """
    *package* is what pip knows it as, *venv* where it is installed; *lists* is how many lists of each project it has to
    read for what it *does*.

    *prepare* writes what it needs to a folder and says how to run it; *pruning* does so with its options for removing
    what is not wanted any more, where they are not on by default.
    """

    name: str
    package: str
    venv: str
    does: str
    lists: int
    prepare: Callable[[Offer, Path], Call]
    pruning: Callable[[Offer, Path], Call] | None = None

    def program(self, name: str) -> str:
        """The path of a program in its venv."""
        return program(self.venv, name)


def program(venv: str, name: str) -> str:
    """The path of a program in a peer's venv."""
    return str(VENVS / venv / "bin" / name)


def ours(offer: Offer, folder: Path) -> Call:
    """The job as it is by default; its desired state is in the cluster."""
    config = folder / "kubeconfig"
    config.write_text(offer.kubeconfig)
    environment = {
        "KUBECONFIG": str(config),
        "GITLAB_TOKEN": offer.access,
        "SYNCER_GITLAB_URL": offer.gitlab,
        "SYNCER_GROUP": offer.names["group"],
        "SYNCER_CLUSTER": offer.names["cluster"],
        "SYNCER_NAMESPACE": offer.names["namespace"],
        "SYNCER_RECEIVER_URL": offer.names["receiver"],
    }
    return Call([program("ours", "flux-gitlab-syncer"), "run"], environment)


def gitlabform(offer: Offer, folder: Path) -> Call:
    """One entry for each project; without the look whether it is the newest version."""
    return _gitlabform(offer, folder, {})


def gitlabform_enforcing(offer: Offer, folder: Path) -> Call:
    """The same, with `enforce` for the whole group, so that it also looks at projects without an entry."""
    everywhere = {"deploy_keys": {"enforce": True}, "hooks": {"enforce": True}}
    return _gitlabform(offer, folder, {f"{offer.names['group']}/*": everywhere})


def _gitlabform(offer: Offer, folder: Path, more: Mapping[str, object]) -> Call:
    entries = {one["project"]: {"deploy_keys": {"flux": _key(one)}, "hooks": _hook(one)} for one in offer.wanted}
    config = folder / "gitlabform.yml"
    # JSON is YAML.
    config.write_text(json.dumps({"config_version": 4, "gitlab": {}, "projects_and_groups": {**entries, **more}}))
    command = [program("gitlabform", "gitlabform"), "-k", "-c", str(config), offer.names["group"]]
    return Call(command, _gitlab(offer))


def gitlabracadabra(offer: Offer, folder: Path) -> Call:
    """One entry for each project, webhooks only. Without `--fail-on-errors` it would exit with 0 whatever happens."""
    return _gitlabracadabra(offer, folder, {})


def gitlabracadabra_deleting(offer: Offer, folder: Path) -> Call:
    """The same, with deletion of unknown webhooks; a project without an entry is none that it looks at."""
    return _gitlabracadabra(offer, folder, {"unknown_webhooks": "delete"})


def _gitlabracadabra(offer: Offer, folder: Path, more: Mapping[str, object]) -> Call:
    entries = {one["project"]: {"webhooks": [{"url": one["url"], **_flags(one)}], **more} for one in offer.wanted}
    actions = folder / "gitlabracadabra.yml"
    actions.write_text(json.dumps(entries))
    access = folder / "gitlabracadabra.cfg"
    access.write_text(f"[global]\ndefault = it\n[it]\nurl = {offer.gitlab}\nprivate_token = {offer.access}\n")
    command = [program("gitlabracadabra", "gitlabracadabra"), "-c", str(access), "--fail-on-errors", str(actions)]
    return Call(command, {})


def plain_script(offer: Offer, folder: Path) -> Call:
    """`plain_script.py` beside this file."""
    wanted = folder / "wanted.json"
    wanted.write_text(json.dumps(list(offer.wanted)))
    command = [program("python-gitlab", "python"), str(HERE / "plain_script.py"), offer.names["group"], str(wanted)]
    return Call(command, _gitlab(offer))


def _key(one: Mapping[str, str]) -> dict[str, object]:
    return {"title": "flux", "key": one["key"], "can_push": False}


def _hook(one: Mapping[str, str]) -> dict[str, object]:
    return {one["url"]: _flags(one)}


def _flags(one: Mapping[str, str]) -> dict[str, object]:
    """What a Receiver of type `gitlab` needs: both events, and the token that Flux compares."""
    return {"push_events": True, "tag_push_events": True, "enable_ssl_verification": True, "token": one["token"]}


def _gitlab(offer: Offer) -> dict[str, str]:
    return {"GITLAB_URL": offer.gitlab, "GITLAB_TOKEN": offer.access}


def environment_of(call: Call, folder: Path) -> dict[str, str]:
    """All that the child sees: nothing of the user's own settings."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **call.environment}


BOTH = "keys and webhooks"
OURS = Tool("flux-gitlab-syncer", "flux-gitlab-syncer", "ours", BOTH, 2, ours)
TOOLS = (
    OURS,
    Tool("gitlabform", "gitlabform", "gitlabform", BOTH, 2, gitlabform, gitlabform_enforcing),
    Tool(
        "gitlabracadabra",
        "gitlabracadabra",
        "gitlabracadabra",
        "webhooks only",
        1,
        gitlabracadabra,
        gitlabracadabra_deleting,
    ),
    Tool("plain script", "python-gitlab", "python-gitlab", BOTH, 2, plain_script),
)
