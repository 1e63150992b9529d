"""HTML pages in front of GitLab over HTTP: a single sign-on answers 200, a web application firewall 403."""

import pytest
import requests

from cronjob.sandbox.faults.fault import FaultFields
from cronjob.sandbox.faults.fault_kinds import SSO_PAGE, WAF_PAGE
from tests.worlds.gitlab_client import HOOKS, URL, a_gitlab


@pytest.mark.parametrize(("page", "status", "title"), [(SSO_PAGE, 200, "Sign in"), (WAF_PAGE, 403, "Request blocked")])
def test_a_page_takes_the_place_of_every_answer(page: FaultFields, status: int, title: str) -> None:
    with a_gitlab() as gitlab:
        gitlab.world.fail(**page, times=None)
        answers = [gitlab.get("user"), gitlab.post(HOOKS, url=URL)]
        assert {answer.status_code for answer in answers} == {status}
        assert all(title in answer.text for answer in answers)
        assert {answer.headers["Content-Type"] for answer in answers} == {"text/html; charset=utf-8"}
        with pytest.raises(requests.JSONDecodeError):
            answers[0].json()
        assert gitlab.world.hooks_of(gitlab.project) == []


def test_a_page_can_stand_in_front_of_some_requests_only() -> None:
    with a_gitlab() as gitlab:
        gitlab.world.fail(**WAF_PAGE, path="/hooks", times=None)
        assert [gitlab.get(path).status_code for path in ("user", HOOKS)] == [200, 403]
