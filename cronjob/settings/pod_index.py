"""This pod's index among the shards, from the environment variable that Kubernetes sets in an Indexed Job."""

from __future__ import annotations

import re
from collections.abc import Mapping

VARIABLE = "JOB_COMPLETION_INDEX"


def pod_index(shards: int, environment: Mapping[str, str]) -> int:
    """
    This pod's index among *shards* pods, counted from 0.

    Raises ValueError, whose text is a sentence, if the index does not fit the number of shards: every project must
    belong to exactly one pod.
    """
    text = environment.get(VARIABLE, "").strip()
    if not text:
        if shards == 1:
            return 0
        raise ValueError(
            f"--shards is {shards}, but this pod's index is not known: set {VARIABLE} to 0 to {shards - 1}, as "
            "Kubernetes does in a Job whose completionMode is Indexed."
        )
    if re.fullmatch("[0-9]{1,6}", text) and int(text) < shards:
        return int(text)
    raise ValueError(
        f"{VARIABLE} is {text[:20]!r}, and --shards is {shards}, so it must be 0 to {shards - 1}: give --shards the "
        "number of the Job's completions."
    )
