from __future__ import annotations

import pytest

from reconcile.causes import Cause, CauseCode


@pytest.mark.parametrize("code", CauseCode)
def test_every_cause_has_a_clause_and_a_sentence_that_says_what_to_do(code: CauseCode) -> None:
    cause = Cause(code)

    assert not cause.clause.endswith(".")
    assert cause.sentence_start[0].isupper()
    assert cause.sentence_start[1:] == cause.clause[1:]
    assert cause.as_dict() == {"code": code.value, "next": cause.next_step}
    assert cause.next_step.endswith(".")


def test_a_detail_completes_the_clause() -> None:
    assert Cause(CauseCode.MALFORMED, "no JSON").clause == "the answer cannot be understood: no JSON"
