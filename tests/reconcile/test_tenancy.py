import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.tenancy import Rule, Tenancy, matches


@pytest.mark.parametrize(
    ("glob", "text", "expected"),
    [
        pytest.param("tenants/app", "tenants/app", True, id="literally"),
        pytest.param("Tenants/APP", "tenants/app", True, id="lower-cased glob"),
        pytest.param("tenants/app", "Tenants/App", True, id="lower-cased text"),
        pytest.param("tenants/app", "tenants/app2", False, id="anchored at the end"),
        pytest.param("tenants/app", "x/tenants/app", False, id="anchored at the beginning"),
        pytest.param("tenants/*", "tenants/app", True, id="a star for a segment"),
        pytest.param("tenants/*", "tenants/team/app", False, id="a star stays within its segment"),
        pytest.param("tenants/*", "tenants/", True, id="a star for nothing"),
        pytest.param("tenants/a*p", "tenants/a-p", True, id="a star within a segment"),
        pytest.param("tenants/**", "tenants/team/app", True, id="two stars cross segments"),
        pytest.param("tenants/**", "tenants", False, id="two stars keep the slash before them"),
        pytest.param("**/app", "a/b/app", True, id="two stars in front"),
        pytest.param("tenants/***", "tenants/team/app", True, id="three stars are no less than two"),
        pytest.param("tenants/a.p", "tenants/axp", False, id="a dot is a dot"),
        pytest.param("tenants/[ab]", "tenants/a", False, id="brackets are brackets"),
        pytest.param("tenants/a?", "tenants/ab", False, id="a question mark is a question mark"),
        pytest.param("tenants/app", "tenants/app\n", False, id="a line break is not the end"),
        pytest.param("tenants/*", "tenants/a\nb", True, id="a line break is a character"),
    ],
)
def test_globs(glob: str, text: str, *, expected: bool) -> None:
    assert matches(glob, text) is expected


def test_without_rules_every_namespace_may_name_every_project() -> None:
    assert Tenancy().allows("anything", "any/project")


def test_with_rules_only_what_a_rule_names_is_allowed() -> None:
    tenancy = Tenancy.from_settings(
        [{"namespace": "team-a", "projects": "tenants/a/**"}, {"namespace": "team-*", "projects": "tenants/shared"}]
    )
    assert tenancy.allows("team-a", "tenants/a/deep/app")
    assert tenancy.allows("team-b", "tenants/shared")
    assert not tenancy.allows("team-b", "tenants/a/deep/app")
    assert not tenancy.allows("other", "tenants/shared")


def test_the_namespace_is_filled_into_the_projects() -> None:
    rule = Rule("*", "tenants/{namespace}/*")
    assert rule.allows("team-a", "tenants/team-a/app")
    assert rule.allows("team-a", "tenants/Team-A/app")
    assert not rule.allows("team-a", "tenants/team-b/app")


def test_the_namespace_is_filled_in_wherever_it_stands() -> None:
    rule = Rule("*", "{namespace}/config-{namespace}")
    assert rule.allows("a", "a/config-a")
    assert not rule.allows("a", "a/config-b")


NAMES = st.text(st.characters(exclude_characters="/*"), max_size=6)


@given(NAMES, NAMES, NAMES, NAMES)
def test_a_star_never_crosses_a_slash(before: str, after: str, left: str, right: str) -> None:
    assert not matches(f"{before}*{after}", f"{before}{left}/{right}{after}")
    assert matches(f"{before}**{after}", f"{before}{left}/{right}{after}")


@given(st.text(st.characters(exclude_characters="*")))
def test_a_glob_without_stars_matches_itself_and_nothing_longer(text: str) -> None:
    assert matches(text, text)
    assert not matches(text, text + "x")
