import pytest

from reconcile.model import Ref
from reconcile.problem_codes import CODES
from reconcile.problems import Code, Problem, Severity

ERRORS = [
    "SecretNotFound",
    "SecretUnreadable",
    "KeyUnusable",
    "UrlUnusable",
    "ProjectNotFound",
    "ProjectUnreadable",
    "ProjectReplaced",
    "ProjectScheduledForDeletion",
    "ReceiverTargetNotFound",
    "TokenUnusable",
    "ReceiverPathCollision",
    "UnknownEvent",
    "MarkElsewhere",
    "ClusterNameTaken",
    "AnnotationUnusable",
    "OverBudget",
    "KeySharedAcrossClusters",
    "WebhookForeignMark",
    "NotAllowed",
    "CannotPutBack",
]
WARNINGS = [
    "ReceiverNotReady",
    "RotationInFlight",
    "UrlNotFetchable",
    "PublicKeyMismatch",
    "ProjectMoved",
    "KeyUnmarked",
    "KeyExpired",
    "TokenExpiresSoon",
    "WebhookDisabled",
    "PlainHttpReceiver",
    "TooManyOutside",
    "RemovedAgain",
]
NOTICES = [
    "EmptyToken",
    "Suspended",
    "Disabled",
    "ForeignHost",
    "ProjectOutsideGroup",
    "ReceiverTypeUnsupported",
    "KeyCanPush",
    "WebhookUnmarked",
    "WebhookInUse",
    "NamespaceNotRead",
    "WebhooksOff",
]
TABLE = [
    *((code, Severity.ERROR) for code in ERRORS),
    *((code, Severity.WARNING) for code in WARNINGS),
    *((code, Severity.NOTICE) for code in NOTICES),
]


@pytest.mark.parametrize(("code", "severity"), TABLE)
def test_every_code_has_its_severity(code: str, severity: Severity) -> None:
    assert CODES[code].severity is severity
    assert Problem.of(CODES[code], "Do something.").severity is severity


def test_the_table_names_every_code_once() -> None:
    assert sorted(code for code, _ in TABLE) == sorted(Code)


@pytest.mark.parametrize("code", [Code.KEY_SHARED_ACROSS_CLUSTERS, Code.UNKNOWN_EVENT])
def test_two_codes_are_only_a_warning_in_the_milder_case(code: Code) -> None:
    assert Problem.of(code, "Do something.", severity=Severity.WARNING).severity is Severity.WARNING


def test_a_problem_names_its_object_as_reports_do() -> None:
    problem = Problem.of(Code.NOT_ALLOWED, "Do something.", object=Ref("Receiver", "config", "app"), project="g/p")
    assert (problem.code, problem.object, problem.project) == ("NotAllowed", "Receiver/config/app", "g/p")


def test_a_problem_may_concern_nothing_in_particular() -> None:
    problem = Problem.of(Code.WEBHOOKS_OFF, "Do something.")
    assert (problem.object, problem.project) == (None, None)


def test_the_worst_comes_first_then_code_project_object_and_text() -> None:
    in_order = [
        Problem(Severity.ERROR, "B", "x"),
        Problem(Severity.WARNING, "A", "x"),
        Problem(Severity.NOTICE, "A", "x"),
        Problem(Severity.NOTICE, "B", "x"),
        Problem(Severity.NOTICE, "B", "y"),
        Problem(Severity.NOTICE, "B", "a", object="Receiver/n/a"),
        Problem(Severity.NOTICE, "B", "a", object="Receiver/n/b"),
        Problem(Severity.NOTICE, "B", "a", project="g/a"),
        Problem(Severity.NOTICE, "B", "a", project="g/b"),
    ]
    backwards = in_order[::-1]
    assert sorted(backwards, key=lambda problem: problem.sort_key) == in_order
