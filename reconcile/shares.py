"""Which part of the projects is this run's, where several equal runs (shards) divide them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """
    Shard *index* of *of*, counted from 0. Every project is exactly one shard's, by its id alone.

    An id stays when a project is renamed or moved, so it stays in its shard; which one that is never changes between
    releases and machines.
    """

    index: int = 0
    of: int = 1

    def has(self, project_id: int) -> bool:
        """Whether the project is this shard's."""
        if self.is_all:
            return True
        digest = hashlib.sha256(str(project_id).encode()).digest()
        return int.from_bytes(digest[:8]) % self.of == self.index

    @property
    def labels(self) -> dict[str, str]:
        """What tells its figures and log lines from the other shards'; nothing where there are none."""
        return {} if self.is_all else {"shard": str(self.index)}

    @property
    def is_all(self) -> bool:
        """Whether there are no other shards."""
        return self.of == 1

    @property
    def is_first(self) -> bool:
        """Whether this shard reports what concerns no project in particular."""
        return self.index == 0


ALL = Share()
