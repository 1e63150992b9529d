"""Which of GitLab's event flags a Receiver's `spec.events` means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

# X-Gitlab-Event, lower case, as Flux compares it -> the flag of GitLab's API that sends it
# (app/models/concerns/triggerable_hooks.rb). Singular and plural are as irregular there as here.
FLAG_OF_EVENT = {
    "push hook": "push_events",
    "tag push hook": "tag_push_events",
    "issue hook": "issues_events",
    "confidential issue hook": "confidential_issues_events",
    "note hook": "note_events",
    "confidential note hook": "confidential_note_events",
    "merge request hook": "merge_requests_events",
    "job hook": "job_events",
    "pipeline hook": "pipeline_events",
    "wiki page hook": "wiki_page_events",
    "deployment hook": "deployment_events",
    "feature flag hook": "feature_flag_events",
    "release hook": "releases_events",
    "emoji hook": "emoji_events",
    "resource access token hook": "resource_access_token_events",
    "milestone hook": "milestone_events",
    "resource deploy token hook": "resource_deploy_token_events",
    "vulnerability hook": "vulnerability_events",
}
FLAGS = tuple(FLAG_OF_EVENT.values())
# What a Receiver that filters nothing should get: everything that moves a ref.
DEFAULT_FLAGS = frozenset({"push_events", "tag_push_events"})


def flags_of(events: Iterable[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The flags that *events* mean, and the events that no project webhook can send."""
    return _flags_of(tuple(events))


@lru_cache(maxsize=1024)
def _flags_of(events: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Thousands of Receivers have the same few lists, and then share one answer."""
    flags, unknown = set(), []
    for event in events:
        flag = FLAG_OF_EVENT.get(event.lower())
        if flag:
            flags.add(flag)
        else:
            unknown.append(event)
    return frozenset(flags), tuple(unknown)


# What other forges, GitLab's pages and its deliveries (`object_kind`) call these events.
_OTHER_NAMES = {
    "build": "job hook",
    "comment": "note hook",
    "create": "tag push hook",
    "issue comment": "note hook",
    "pull request": "merge request hook",
    "tag": "tag push hook",
    "wiki": "wiki page hook",
}
_ENDINGS = {"hook", "hooks", "event", "events"}
_ALIKE = 0.8


def spelling_of(event: str) -> str | None:
    """How GitLab spells the event that an unknown one, such as `tag_push` or `merge_requests`, most likely means."""
    words = re.split(r"[^a-z]+", event.lower())
    wanted = " ".join(word for word in words if word and word not in _ENDINGS)
    known = {name.removesuffix(" hook"): name for name in FLAG_OF_EVENT} | _OTHER_NAMES
    near = get_close_matches(wanted, known, n=1, cutoff=_ALIKE)
    return known[near[0]].title() if near else None
