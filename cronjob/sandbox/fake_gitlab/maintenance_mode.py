"""Maintenance mode: a read-only instance (lib/gitlab/middleware/read_only/controller.rb)."""

from collections.abc import Mapping

from cronjob.sandbox.fake_gitlab.answers import Answer
from cronjob.sandbox.faults.random_faults import READING

MESSAGE = "You cannot perform write operations on a read-only instance"


def read_only_answer(method: str, headers: Mapping[str, str], external_url: str) -> Answer | None:
    """
    The refusal of a write; None for a read.

    Only a request whose own Content-Type is JSON gets a message. Any other one is redirected to the start page.
    """
    if method in READING:
        return None
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        return Answer(403, {"message": MESSAGE})
    return Answer(301, None, {"Location": f"{external_url}/"})
