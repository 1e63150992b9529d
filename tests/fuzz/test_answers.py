"""One answer of a server is damaged: the run ends with a report and without harm, and the next run converges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cronjob.reports import schemas
from cronjob.sandbox.samples import add_kustomization, reconcile_flux
from cronjob.settings.values import REPORT_FORMATS
from tests.chaos.twelve_tenants import OPTIONS, Request, a_platform, fail_once, remove_faults, requests_of
from tests.fuzz.damaged_json import damaged
from tests.worlds.hurry import in_a_hurry
from tests.worlds.program import Program, a_program
from tests.worlds.secrets_shown import secrets_of, shown

# Each is a whole run against both servers; `--hypothesis-profile deep` makes many.
deep = settings.default.max_examples > 100
fewer = settings(max_examples=400 if deep else 15)


@pytest.fixture(scope="module")
def reads() -> dict[str, list[Request]]:
    """Every GET of a run, by server."""
    made = [request for request in requests_of("run", *OPTIONS) if request.method == "GET"]
    return {server: [request for request in made if request.server == server] for server in ("gitlab", "kubernetes")}


@pytest.mark.parametrize("server", ["gitlab", "kubernetes"])
@fewer
@given(data=st.data())
def test_whatever_an_answer_holds_the_run_ends_in_order(
    reads: dict[str, list[Request]], server: str, data: st.DataObject
) -> None:
    request = data.draw(st.sampled_from(reads[server]))
    with a_program(0, samples=False) as program, in_a_hurry():
        platform = a_platform(program)
        monitor = platform.monitor()
        body = data.draw(damaged(_answer_to(program, request)))
        fault = fail_once(program, request, status=200, body=body)

        output = data.draw(st.sampled_from(REPORT_FORMATS))
        first = program("run", "--output", output, *OPTIONS)

        assert first.code in {0, 1, 2, 4, 5}, first.err
        assert fault.injected
        assert "Traceback" not in first.err
        assert first.out or first.code == 2
        assert output != "json" or not first.out or first.report
        assert shown(secrets_of(program.sandbox), first.out, first.err) == []
        assert [text for text in monitor.violations if "the foreign" in text] == []
        remove_faults(program)
        middle = platform.everything()
        assert program.run(*OPTIONS).code == 0
        assert list(platform.differences(middle)) == []


@pytest.fixture(scope="module")
def looks() -> list[Request]:
    """Every request of a check, with its access reviews at Kubernetes, which are POSTs."""
    return requests_of("check", *NO_RECEIVER)


# Nothing listens at this receiver URL, and its host needs no name resolution.
NO_RECEIVER = ("--receiver-url", "https://127.0.0.1:9")


@fewer
@given(data=st.data())
def test_whatever_an_answer_holds_a_check_says_what_it_can(looks: list[Request], data: st.DataObject) -> None:
    request = data.draw(st.sampled_from(looks))
    with a_program(0, samples=False) as program, in_a_hurry():
        platform = a_platform(program)
        before = platform.everything()
        body = data.draw(
            damaged(_answer_to(program, request) if request.method == "GET" else {"status": {"allowed": True}})
        )
        fault = fail_once(program, request, status=200, body=body)

        done = program("check", "--output", data.draw(st.sampled_from(["json", "text"])), *NO_RECEIVER)

        assert fault.injected
        assert done.code in {0, 1}, done.err
        assert done.out
        assert "Traceback" not in done.err
        assert shown(secrets_of(program.sandbox), done.out, done.err) == []
        assert platform.everything() == before


CHAINS = Draft202012Validator(json.loads(schemas.schema_file(schemas.TRACE).read_text()))
# A tenant without changes.
TRACE = ("trace", "t08")


@pytest.fixture(scope="module")
def links() -> list[Request]:
    """Every request of a trace."""
    return requests_of(*TRACE)


@fewer
@given(data=st.data())
def test_whatever_an_answer_holds_a_trace_says_what_it_can(links: list[Request], data: st.DataObject) -> None:
    request = data.draw(st.sampled_from(links))
    with a_program(0, samples=False) as program, in_a_hurry():
        platform = a_platform(program)
        add_kustomization(program.sandbox, "t08")
        reconcile_flux(program.sandbox)
        [hook] = program.gitlab.hooks_of(platform.tenants["t08"].project)
        program.gitlab.deliver(hook, "push_hooks")
        before = platform.everything()
        fault = fail_once(program, request, status=200, body=data.draw(damaged(_answer_to(program, request))))

        output = data.draw(st.sampled_from(["json", "text"]))
        done = program(*TRACE, "--output", output)

        assert fault.injected
        assert done.code in {0, 1, 2}, done.err
        assert done.out or done.err
        if output == "json" and done.out:
            CHAINS.validate(json.loads(done.out))
        assert "Traceback" not in done.err
        assert shown(secrets_of(program.sandbox), done.out, done.err) == []
        assert platform.everything() == before


def _answer_to(program: Program, request: Request) -> Any:
    """The real answer to *request* now."""
    cluster = yaml.safe_load(Path(program.environment["KUBECONFIG"]).read_text())["clusters"][0]["cluster"]
    base = {"gitlab": program.environment["SYNCER_GITLAB_URL"], "kubernetes": cluster["server"]}[request.server]
    headers = {"Authorization": f"Bearer {program.sandbox.token}"}
    return requests.get(base + request.path, headers=headers, timeout=10).json()
