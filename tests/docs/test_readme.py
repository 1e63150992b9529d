"""The README says what the program does: every code, every option, and the run function itself."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cronjob.commands.check.document import CHECKS
from cronjob.exit_codes import ExitCode
from cronjob.flux.cluster import NAMESPACE_GONE
from cronjob.kube.events import REASONS
from cronjob.kube.lease_claim import UNAVAILABLE
from cronjob.output.metrics import METRICS
from cronjob.sandbox.faults.names import FAULT_PROFILES
from cronjob.settings.click_options import as_markdown
from cronjob.settings.option import FILE_ONLY, Option
from cronjob.settings.option_table import OPTIONS
from cronjob.settings.resolve import resolve
from reconcile.chain import fetch, kustomizations
from reconcile.chain.links import LINKS
from reconcile.errors import LEASE_HELD, ReadError
from reconcile.model import Kind
from reconcile.problems import Code
from reconcile.report import Result, Status
from reconcile.run import reconcile
from tests.worlds.program import SCHEMA, a_program

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
REFRESH = "python -m pytest tests/docs/test_readme.py --rewrite-golden"
PAGES = [str(page.relative_to(ROOT)) for folder in (ROOT, ROOT / "docs") for page in sorted(folder.glob("*.md"))]


def _metrics() -> str:
    lines = [
        f"| `{name}` | {', '.join(f'`{one}`' for one in labels)} | {text} |" for name, (labels, text) in METRICS.items()
    ]
    return "\n".join(["| metric | labels | meaning |", "|---|---|---|", *lines])


def _problems() -> str:
    head = ["| code | severity | holds | what it means | next step |", "|---|---|---|---|---|"]
    rows = [(code, code.row) for code in Code]
    return "\n".join(
        [
            *head,
            *(
                f"| `{code}` | {', or '.join(row.severities)} | {row.hold.value} | {row.meaning} | {row.fix} |"
                for code, row in rows
            ),
        ]
    )


GENERATED: dict[str, Callable[[], str]] = {
    "problems": _problems,
    "options": as_markdown,
    "run": lambda: f"```python\n{inspect.getsource(reconcile).rstrip()}\n```",
    "metrics": _metrics,
    "checks": lambda: "\n".join(
        ["| check | what it looks at |", "|---|---|", *(f"| `{name}` | {text} |" for name, text in CHECKS.items())]
    ),
    "links": lambda: "\n".join(
        ["| link | what is looked at |", "|---|---|", *(f"| `{name}` | {text} |" for name, text in LINKS.items())]
    ),
    "fault-profiles": lambda: "\n".join(
        [
            "| `--faults` | what happens |",
            "|---|---|",
            *(f"| `{name}` | {text} |" for name, text in FAULT_PROFILES.items()),
        ]
    ),
}


def between(name: str) -> str:
    """What stands between the two markers of *name*."""
    found = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", TEXT, re.DOTALL)
    assert found, f"README.md has no markers <!-- {name} --> and <!-- /{name} -->"
    return found[1]


def rows(name: str) -> list[list[str]]:
    """The cells of the table between the markers, without its head."""
    return [line.strip("| ").split(" | ") for line in between(name).splitlines()[2:]]


def listed(name: str) -> list[str]:
    """What the table's first cells name in code spans."""
    return [word for cells in rows(name) for word in re.findall("`([^`]+)`", cells[0])]


def read_errors() -> set[str]:
    """The codes of everything that can end a run before it has decided anything."""
    default = inspect.signature(ReadError).parameters["code"].default
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "cronjob").rglob("*.py")]
    return {default, NAMESPACE_GONE, UNAVAILABLE, LEASE_HELD, *re.findall(r'\bcode="(\w+)"', "\n".join(sources))}


def taken(option: Option) -> set[int]:
    """The numbers from 0 to 255 that *option* refuses."""
    refused = set()
    for number in range(256):
        try:
            option.kind.typed(str(number))
        except ValueError:
            refused.add(number)
    return refused


def test_the_generated_parts_are_up_to_date(request: pytest.FixtureRequest) -> None:
    wanted = TEXT
    for name, made in GENERATED.items():
        between(name)
        (before, rest), end = wanted.split(f"<!-- {name} -->\n"), f"<!-- /{name} -->"
        wanted = f"{before}<!-- {name} -->\n{made()}\n{end}{rest.split(end)[1]}"
    if request.config.getoption("--rewrite-golden"):
        README.write_text(wanted, encoding="utf-8")
        return
    assert wanted == TEXT, f"README.md is out of date; this refreshes it: {REFRESH}"


def test_every_code_that_ends_a_run_is_documented_once() -> None:
    assert sorted(listed("run-ending")) == sorted(read_errors())


def test_every_objection_is_documented_once() -> None:
    known = SCHEMA["properties"]["objections"]["items"]["properties"]["code"]["enum"]
    assert sorted(listed("objections")) == sorted(known)


def test_every_exit_code_is_documented_once() -> None:
    drift = next(option for option in OPTIONS if option.name == "drift-exit-code")
    known = {*ExitCode} | taken(drift)
    codes = [cells[0].strip("`") for cells in rows("exit codes")]
    assert sorted(codes) == sorted(["N", *map(str, known)])


@pytest.mark.parametrize(("name", "known"), [("results", Result), ("statuses", Status)])
def test_every_result_and_status_is_documented_once(name: str, known: type[Result | Status]) -> None:
    assert sorted(listed(name)) == sorted(known)


def test_every_key_of_a_log_line_is_documented() -> None:
    with a_program(1) as program:
        runs = [program("run"), program("run", GITLAB_TOKEN="glpat-wrong")]
        program.tenants_leave(range(1, 2))
        runs.append(program("run"))
    lines = [line for done in runs for line in done.err.splitlines()]
    seen = {key for line in lines for key in json.loads(line)}
    assert set(listed("log keys")) == seen


def test_the_table_of_events_has_every_reason_and_the_object_it_is_said_of() -> None:
    concerned = {Kind.DEPLOY_KEY: "GitRepository", Kind.WEBHOOK: "Receiver"}
    said = {(f"`{reason}`", "Normal", concerned[kind]) for (kind, _), (reason, _) in REASONS.items()}

    assert {(name, type_, on.split()[1]) for name, type_, on in rows("events")[:-1]} == said


def test_the_settings_file_is_one_that_can_be_used_and_has_every_key_for_files_only(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(between("settings").removeprefix("```yaml").removesuffix("```"), encoding="utf-8")
    resolved = resolve("run", {"config": str(file)}, {"GITLAB_TOKEN": "glpat-made-up"})
    assert resolved.complaints == ()
    shown = {key for key, given in resolved.given.items() if given.place == str(file)}
    assert shown >= {option.key for option in OPTIONS if option.allowed == FILE_ONLY}


def test_the_excerpt_is_what_the_sandbox_prints() -> None:
    # Keys are new in every sandbox, and so is the plan's checksum.
    changing = re.compile(r"SHA256:\S+|\b[0-9a-f]{12}\b")
    with a_program() as program:
        printed = _words(changing, program("run", "--dry-run", "-o", "text").out)
    excerpt = between("excerpt").splitlines()
    report = [line for line in excerpt[excerpt.index("$ flux-gitlab-syncer run --dry-run") + 1 : -1] if line]
    assert len(report) > 10
    gone = [line for line in report if _words(changing, line) not in printed]
    assert gone == [], "the excerpt in README.md shows lines that are not printed any more"


def _words(changing: re.Pattern[str], text: str) -> str:
    """*text* with nothing in it that is new every time."""
    return changing.sub("…", text)


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_name_only_options_codes_and_files_that_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    flags = {form for option in OPTIONS for flag in option.flags for form in flag.split("/")}
    others = {
        "--serve",
        "--tenants",
        "--latency",
        "--faults",
        "--seed",
        "--data",
        "--help",
        "--version",
    }  # those of `sandbox` and of every program, and one of curl
    assert _ours(text) - flags - others == set()
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text)
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def _ours(text: str) -> set[str]:
    """The flags after our own command, lines that go on included, and those that stand alone in a code span."""
    commands = re.findall(r"flux-gitlab-syncer (?:run|retire|undo|check|trace|sandbox)((?:\\\n|[^\n`|>;])*)", text)
    spans = re.findall(r"`(--[a-z-]+)[^`]*`", text)
    return {*spans, *re.findall(r"(?<!\S)--[a-z-]+", " ".join(commands))}


def test_each_promise_names_tests_that_exist() -> None:
    text = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| `(tests/[^`]+)` \|$", text, re.MULTILINE)
    named = [path for row in rows for path in row.partition(" -k ")[0].split()]

    assert len(rows) == text.split("## Figures")[0].count("\n|") - 2
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("code", [*Code, *sorted(read_errors())])
def test_the_runbook_says_once_of_each_code_what_it_means_and_what_to_do(code: str) -> None:
    text = (ROOT / "docs/incident.md").read_text(encoding="utf-8")
    [(means, todo)] = re.findall(rf"^\| `{code}` \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    assert min(len(means), len(todo)) >= 7
    # It may say more than the README, and nothing else: whatever that gives as the next step is in it.
    [step] = [cells[-1] for name in ("problems", "run-ending") for cells in rows(name) if cells[0] == f"`{code}`"]
    assert [named for named in re.findall("`([^`]+)`", step) if named not in means + todo] == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_headings_that_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", text)
    assert [(path, anchor) for path, anchor in links if anchor not in _anchors(ROOT / page, path)] == []


def _anchors(page: Path, path: str) -> set[str]:
    """The anchors of the page that *path* leads to, as GitLab and GitHub make them of headings."""
    text = (page.parent / path if path else page).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_codes_in_the_other_pages_exist() -> None:
    objections = SCHEMA["properties"]["objections"]["items"]["properties"]["code"]["enum"]
    of_flux = {*fetch.REASONS, *kustomizations.REASONS}
    known = {*Code, *read_errors(), *objections, *of_flux, "GitRepository", "CronJob", "ConfigMap"}
    for page in (ROOT / "docs").glob("*.md"):
        named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`", page.read_text(encoding="utf-8")))
        assert named - known == set(), page.name
