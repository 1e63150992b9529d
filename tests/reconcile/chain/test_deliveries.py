"""How Flux answered GitLab's last deliveries: the newest one decides."""

from __future__ import annotations

import pytest

from reconcile.chain.deliveries import ANSWERS, Deliveries, delivery_finding
from reconcile.findings import Level


@pytest.mark.parametrize(
    ("statuses", "level", "text"),
    [
        ([], Level.NOTE, "GitLab has delivered nothing in the last 7 days"),
        (["200"], Level.OK, "The only delivery was accepted"),
        (["200", "201"], Level.OK, "The last 2 deliveries were accepted"),
        (["404"], Level.FAIL, f"The last delivery was answered 404: {ANSWERS['404']}."),
        (["404", "200", "200", "200"], Level.FAIL, "Of the last 4 within 7 days: 75% 2xx, 25% 4xx."),
        (["200", "500"], Level.WARN, "The last delivery was accepted. Of the last 2 within 7 days: 50% 2xx, 50% 5xx."),
        (["200"] * 5 + ["internal error"], Level.NOTE, "17% no answer. internal error: GitLab could not connect"),
        (["302"], Level.FAIL, "302: it is redirected"),
        (["418"], Level.FAIL, "418: something refuses them"),
        (["502"], Level.FAIL, "502: what stands before Flux does not reach it"),
        (["something new"], Level.FAIL, "something new: no meaning is known"),
    ],
)
def test_the_last_delivery_decides(statuses: list[str], level: Level, text: str) -> None:
    finding = delivery_finding(Deliveries(tuple(statuses)), 5)

    assert (finding.topic, finding.level, finding.object) == ("deliveries", level, "webhook 5")
    assert text in finding.message


def test_deliveries_that_cannot_be_read_say_why() -> None:
    finding = delivery_finding(Deliveries(unread="GitLab does not tell: 403"), 5)

    assert (finding.level, finding.message) == (Level.SKIP, "GitLab does not tell: 403")
