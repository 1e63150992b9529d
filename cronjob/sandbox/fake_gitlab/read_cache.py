"""A caching proxy in front of GitLab: it answers a repeated GET with its first answer."""

import re
from collections.abc import Callable, Mapping

from cronjob.sandbox.fake_gitlab.answers import Answer
from cronjob.sandbox.fake_gitlab.records import Request


class ReadCache:
    """
    Answers to GETs by path and query; *paths* are the regular expressions of cached paths, empty at first.

    A request with `Cache-Control: no-cache` passes and refreshes the cache (RFC 9111, section 5.2.1.4), unless
    *ignores_no_cache* is set.
    """

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.ignores_no_cache = False
        self._answers: dict[tuple[str, tuple[tuple[str, str], ...]], Answer] = {}

    def answer(self, request: Request, headers: Mapping[str, str], handle: Callable[[], Answer]) -> Answer:
        """The cached answer, if there is one; otherwise that of *handle*, which is stored if it is a 200."""
        if request.method != "GET" or not any(re.search(path, request.path) for path in self.paths):
            return handle()
        key = (request.path, tuple(sorted(request.query.items())))
        must_revalidate = "no-cache" in headers.get("Cache-Control", "") and not self.ignores_no_cache
        stored = self._answers.get(key)
        if stored and not must_revalidate:
            return Answer(stored.status, stored.body, {**stored.headers, "Age": "60", "X-Cache": "HIT"})
        answer = handle()
        if answer.status == 200:
            self._answers[key] = answer
        return answer
