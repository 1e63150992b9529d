import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.marks import Identity, Mark, Owner
from tests.worlds.builders import an_identity

LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", fullmatch=True)
LONG = "n" * 253


def test_a_mark_names_program_cluster_namespace_and_object() -> None:
    assert str(Mark("prod", "flux-config", "app-key")) == "flux-gitlab-syncer prod flux-config/app-key"


def test_a_mark_is_read_back() -> None:
    assert Mark.parse("flux-gitlab-syncer prod flux-config/app-key") == Mark("prod", "flux-config", "app-key")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("deploy key of app", id="somebody's title"),
        pytest.param("flux-gitlab-syncer", id="the program alone"),
        pytest.param("flux-gitlab-syncer prod", id="no object"),
        pytest.param("flux-gitlab-syncer prod app-key", id="no namespace"),
        pytest.param("flux-gitlab-syncer prod /app-key", id="an empty namespace"),
        pytest.param("flux-gitlab-syncer prod flux-config/", id="an empty name"),
        pytest.param("flux-gitlab-syncer prod flux-config/app/key", id="a slash too many"),
        pytest.param("flux-gitlab-syncer  flux-config/app-key", id="an empty cluster"),
        pytest.param("flux-gitlab-syncer prod flux-config/app-key copy", id="something after it"),
        pytest.param("my flux-gitlab-syncer prod flux-config/app-key", id="something before it"),
        pytest.param("flux-gitlab-syncer-2 prod flux-config/app-key", id="another program"),
        pytest.param("Flux-Gitlab-Syncer prod flux-config/app-key", id="other letters"),
    ],
)
def test_what_is_not_wholly_a_mark_is_none(text: str) -> None:
    assert Mark.parse(text) is None
    assert an_identity().owner(Mark.parse(text)) is Owner.UNMARKED


@given(LABELS, LABELS, NAMES)
def test_a_mark_survives_being_written_and_read(cluster: str, namespace: str, name: str) -> None:
    mark = Mark(cluster, namespace, name)
    read = Mark.parse(str(mark))
    assert read is not None
    assert (read.cluster, read.namespace, str(read)) == (cluster, namespace, str(mark))
    assert read == mark or "~" in read.name
    assert len(str(mark)) <= 255


@given(LABELS, LABELS, NAMES)
def test_a_mark_read_back_names_its_object_and_no_other(cluster: str, namespace: str, name: str) -> None:
    read = Mark.parse(str(Mark(cluster, namespace, name)))
    assert read is not None
    assert read.names(namespace, name)
    assert not read.names(namespace, name[:-1] + ("a" if name[-1] != "a" else "b"))
    assert not read.names(namespace + "x", name)


def test_a_mark_of_255_characters_is_whole() -> None:
    name = "n" * (255 - len("flux-gitlab-syncer prod flux-config/"))
    assert str(Mark("prod", "flux-config", name)).endswith(f"/{name}")
    assert "~" in str(Mark("prod", "flux-config", name + "n"))


def test_a_cut_mark_still_tells_long_names_apart() -> None:
    one, two = str(Mark("prod", "flux-config", LONG + "a")), str(Mark("prod", "flux-config", LONG + "b"))
    assert len(one) == len(two) == 255
    assert one != two


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        pytest.param("flux-gitlab-syncer prod flux-config/app", Owner.OURS, id="our cluster and namespace"),
        pytest.param("flux-gitlab-syncer prod-2 flux-config/app", Owner.OTHER_CLUSTER, id="prod is not prod-2"),
        pytest.param("flux-gitlab-syncer pro flux-config/app", Owner.OTHER_CLUSTER, id="prod is not pro"),
        pytest.param("flux-gitlab-syncer PROD flux-config/app", Owner.OTHER_CLUSTER, id="prod is not PROD"),
        pytest.param("flux-gitlab-syncer prod config-2/app", Owner.OTHER_INSTANCE, id="another namespace"),
        pytest.param("flux-gitlab-syncer old flux-config/app", Owner.OURS, id="a former name of ours"),
        pytest.param("flux-gitlab-syncer prod former/app", Owner.OURS, id="a former namespace of ours"),
        pytest.param("flux-gitlab-syncer old former/app", Owner.OURS, id="both former"),
        pytest.param("flux-gitlab-syncer old other/app", Owner.OTHER_INSTANCE, id="a former name elsewhere"),
        pytest.param("flux-gitlab-syncer other flux-config/app", Owner.OTHER_CLUSTER, id="another cluster's namespace"),
        pytest.param("somebody's key", Owner.UNMARKED, id="no mark"),
    ],
)
def test_the_mark_says_who_owns_an_item(text: str, owner: Owner) -> None:
    identity = an_identity(previous_clusters=frozenset({"old"}), previous_namespaces=frozenset({"former"}))
    assert identity.owner(Mark.parse(text)) is owner


def test_former_names_are_foreign_until_the_settings_list_them() -> None:
    assert an_identity().owner(Mark.parse("flux-gitlab-syncer old flux-config/app")) is Owner.OTHER_CLUSTER
    assert an_identity().owner(Mark.parse("flux-gitlab-syncer prod former/app")) is Owner.OTHER_INSTANCE


def test_retiring_a_cluster_means_every_namespace_of_it_and_no_other_cluster() -> None:
    identity = Identity("prod", frozenset(), every_namespace=True)
    assert identity.owner(Mark.parse("flux-gitlab-syncer prod anything/app")) is Owner.OURS
    assert identity.owner(Mark.parse("flux-gitlab-syncer prod-2 anything/app")) is Owner.OTHER_CLUSTER


def test_a_cut_mark_has_its_owner_too() -> None:
    assert an_identity().owner(Mark.parse(str(Mark("prod", "flux-config", LONG)))) is Owner.OURS


def test_a_cut_mark_is_one_of_the_objects_whose_name_it_shortens() -> None:
    cut = Mark.parse(str(Mark("prod", "flux-config", LONG)))
    assert cut is not None
    assert cut.is_one_of({("flux-config", "app"), ("flux-config", LONG)})
    assert not cut.is_one_of({("flux-config", "app"), ("other", LONG)})
    assert Mark("prod", "flux-config", "app").is_one_of({("flux-config", "app")})
