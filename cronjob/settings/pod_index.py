"""Which of several equal pods this is: Kubernetes' Indexed Job says it in an environment variable."""

from __future__ import annotations

import re
from collections.abc import Mapping

VARIABLE = "JOB_COMPLETION_INDEX"


def pod_index(shards: int, environment: Mapping[str, str]) -> int:
    """
    This pod's index among *shards* pods, counted from 0.

    Raises ValueError, whose text is a sentence, where the pod's index and the number of shards do not fit together: two
    pods must never take the same projects, nor leave some to nobody.
    """
    text = environment.get(VARIABLE, "").strip()
    if not text:
        if shards == 1:
            return 0
        raise ValueError(
            f"--shards is {shards}, and nothing says which of them this is: set {VARIABLE} to 0 to {shards - 1}, as "
            "Kubernetes does in a Job whose completionMode is Indexed."
        )
    if re.fullmatch("[0-9]{1,6}", text) and int(text) < shards:
        return int(text)
    raise ValueError(
        f"{VARIABLE} is {text[:20]!r}, and --shards is {shards}, so it must be 0 to {shards - 1}: give --shards the "
        "number of the Job's completions."
    )
