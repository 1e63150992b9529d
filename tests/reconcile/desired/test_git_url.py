import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.desired.git_url import LONGEST_URL, GitUrl, UnusableUrl, parse_git_url

HOST = "gitlab.example.com"


def path_of(url: str, relative_root: str = "") -> str:
    return parse_git_url(url, relative_root).path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        pytest.param("ssh://git@host/g/p.git", "g/p", id="the usual form"),
        pytest.param("ssh://git@host/g/p", "g/p", id="without .git"),
        pytest.param("ssh://host/g/p.git", "g/p", id="without a user"),
        pytest.param("ssh://git@host:2222/a/b", "a/b", id="with a port"),
        pytest.param("ssh://git@host:/g/p.git", "g/p", id="with an empty port"),
        pytest.param("ssh://git@host:123/p/q.git", "p/q", id="a group of digits is a port"),
        pytest.param("ssh://git@host//g/p.git", "g/p", id="with two leading slashes"),
        pytest.param("ssh://git@host/g/p.git/", "g/p", id="with a trailing slash"),
        pytest.param("ssh://git@host/g/p.git///", "g/p", id="with trailing slashes"),
        pytest.param("ssh://git@host/g/p.git.git", "g/p.git", id="only one .git is dropped"),
        pytest.param("ssh://git@host/g/s/t/p", "g/s/t/p", id="with subgroups"),
        pytest.param("ssh://git@host/g/p.git?x=1", "g/p", id="with a query"),
        pytest.param("ssh://git@host/g/p.git#main", "g/p", id="with a fragment"),
        pytest.param("ssh://git@host/g/p?a/b#c/d", "g/p", id="with slashes after the path"),
        pytest.param("https://user:secret@host/g/p.git", "g/p", id="https with credentials"),
        pytest.param("http://host:8080/g/p.git", "g/p", id="http with a port"),
        pytest.param("https://host/g/p%2Eq", "g/p.q", id="with an encoded letter"),
        pytest.param("ssh://git@host/Group/Project", "Group/Project", id="case is kept for people"),
        pytest.param("ssh://git@[2001:db8::1]:2222/g/p", "g/p", id="with an IPv6 address"),
    ],
)
def test_the_project_path_is_what_is_left_of_the_url(url: str, path: str) -> None:
    assert path_of(url) == path
    assert parse_git_url(url).fetchable


@pytest.mark.parametrize(
    ("url", "path"),
    [
        pytest.param("ssh://git@host:a/b/c.git", "a/b/c", id="a group"),
        pytest.param("ssh://git@host:a/b", "a/b", id="two segments in all"),
        pytest.param("ssh://git@host:12ab/c.git", "12ab/c", id="a group that begins with digits"),
        pytest.param("ssh://host:a/b/c", "a/b/c", id="without a user"),
        pytest.param("ssh://git@[::1]:a/b/c", "a/b/c", id="behind an IPv6 address"),
    ],
)
def test_a_scp_style_colon_in_an_ssh_url_is_understood_and_known_as_not_fetchable(url: str, path: str) -> None:
    parsed = parse_git_url(url)
    assert parsed.path == path
    assert not parsed.fetchable


@pytest.mark.parametrize(
    ("url", "host"),
    [
        pytest.param("ssh://git@GitLab.Example.COM/g/p", HOST, id="lower case"),
        pytest.param("https://a:b@gitlab.example.com:8443/g/p", HOST, id="without user and port"),
        pytest.param("https://evil@host@gitlab.example.com/g/p", HOST, id="after the last at sign"),
        pytest.param("ssh://git@gitlab.example.com:g/s/p", HOST, id="before a scp-style colon"),
        pytest.param("ssh://git@[2001:DB8::1]:22/g/p", "[2001:db8::1]", id="IPv6 with its brackets"),
    ],
)
def test_the_host_stands_alone_and_in_lower_case(url: str, host: str) -> None:
    assert parse_git_url(url).host == host


@pytest.mark.parametrize(
    ("url", "root", "path"),
    [
        pytest.param("https://host/gitlab/g/p.git", "gitlab", "g/p", id="dropped for https"),
        pytest.param("http://host/gitlab/g/p.git", "gitlab", "g/p", id="dropped for http"),
        pytest.param("https://host/GitLab/g/p", "gitlab", "g/p", id="without regard to case"),
        pytest.param("https://host/gitlab/g/p", "GitLab", "g/p", id="whatever the case of the root"),
        pytest.param("https://host/dev/gitlab/g/p", "/dev/gitlab/", "g/p", id="of two segments"),
        pytest.param("https://host/gitlab/gitlab/p", "gitlab", "gitlab/p", id="dropped once"),
        pytest.param("https://host/gitlabs/p", "gitlab", "gitlabs/p", id="not as the beginning of a segment"),
        pytest.param("ssh://git@host/gitlab/g/p", "gitlab", "gitlab/g/p", id="kept for ssh"),
        pytest.param("https://host/gitlab/g/p", "", "gitlab/g/p", id="none"),
    ],
)
def test_the_relative_root_of_gitlab_is_dropped_from_http_urls_only(url: str, root: str, path: str) -> None:
    assert path_of(url, root) == path


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("", "begin with ssh://", id="empty"),
        pytest.param("git@host:g/p.git", "begin with ssh://", id="scp form without a scheme"),
        pytest.param("SSH://git@host/g/p", "begin with ssh://", id="a scheme in capitals, which Flux refuses"),
        pytest.param("file:///g/p", "begin with ssh://", id="another scheme"),
        pytest.param("ssh:///g/p", "no host", id="no host"),
        pytest.param("ssh://git@/g/p", "no host", id="a user and no host"),
        pytest.param("ssh://[::1/g/p", "no host", id="half a bracket"),
        pytest.param("https://host:g/p/q", "port is no number", id="a scp-style colon in https"),
        pytest.param("ssh://git@host", "fewer than two segments", id="no path"),
        pytest.param("ssh://git@host/", "fewer than two segments", id="an empty path"),
        pytest.param("ssh://git@host/p.git", "fewer than two segments", id="one segment"),
        pytest.param("ssh://git@host:123/p.git", "fewer than two segments", id="one segment behind a port"),
        pytest.param("https://host/gitlab/p", "fewer than two segments", id="one segment under the relative root"),
        pytest.param("ssh://git@host/g//p", "empty, `.` or `..`", id="an empty segment"),
        pytest.param("ssh://git@host/g/.git", "empty, `.` or `..`", id="nothing but .git"),
        pytest.param("ssh://git@host/g/./p", "empty, `.` or `..`", id="a dot"),
        pytest.param("ssh://git@host/g/../p", "empty, `.` or `..`", id="two dots"),
        pytest.param("ssh://git@host/g/%2e%2e/p", "empty, `.` or `..`", id="two encoded dots"),
        pytest.param("ssh://git@host/g/...git", "empty, `.` or `..`", id="two dots before .git"),
        pytest.param("ssh://git@host/g%2Fp", "encoded slash", id="an encoded slash"),
        pytest.param("ssh://git@host/g/s%2fp", "encoded slash", id="an encoded slash in lower case"),
        pytest.param("ssh://git@host/g/s%5Cp", "encoded slash", id="an encoded backslash"),
        pytest.param("ssh://git@host:g%2Fs/p", "encoded slash", id="an encoded slash behind a scp-style colon"),
        pytest.param("ssh://git@host/g/s%252Fp", "a character that no path", id="a slash encoded twice"),
        pytest.param("ssh://git@host/g/100%", "percent sign", id="a percent sign that encodes nothing"),
        pytest.param("ssh://git@host/g/a b", "white space", id="a blank"),
        pytest.param(" ssh://git@host/g/p", "white space", id="a leading blank"),
        pytest.param("ssh://git@host/g/p\n", "white space", id="a line break"),
        pytest.param("ssh://git@host/g/p\x1b[1m", "control characters", id="a control character"),
        pytest.param("ssh://git@host/g/p\u2028", "white space", id="a Unicode line separator"),
        pytest.param("ssh://git@host/g/%0Ap", "white space", id="an encoded line break"),
        pytest.param("ssh://git@host/g\\p/q", "backslash", id="a backslash"),
        pytest.param("ssh://git@host/g/" + "p" * LONGEST_URL, "longer than 4096", id="far too long"),
    ],
)
def test_an_unusable_url_says_why(url: str, reason: str) -> None:
    with pytest.raises(UnusableUrl, match=reason):
        parse_git_url(url, "gitlab")


def test_the_longest_url_is_still_read() -> None:
    url = "ssh://git@host/g/"
    assert len(path_of(url + "p" * (LONGEST_URL - len(url)))) > 4000


def test_what_may_be_a_password_is_not_in_the_reason() -> None:
    with pytest.raises(UnusableUrl) as caught:
        parse_git_url("https://user:hunter2/x@host/g/p")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        pytest.param("https://GIT.example.org/only.git", "git.example.org", id="a path with one segment"),
        pytest.param("https://git.example.org/my%20team/_git/repo", "git.example.org", id="a blank in the path"),
        pytest.param("https://git.sr.ht/~user/repo", "git.sr.ht", id="a path that only another forge has"),
        pytest.param("https://git.example.org:x/g/p", None, id="a port that is none"),
        pytest.param("ssh://git:pa/ss@git.example.org/g/p", None, id="a slash in a password"),
        pytest.param("ssh://git:pa?ss@git.example.org/g/p", None, id="a question mark in a password"),
        pytest.param("ssh://to/ken@git.example.org/g/p", None, id="a slash in a user"),
        pytest.param("ssh://git@git.example.org/${PATH}/p", None, id="a lost substitution in the path"),
        pytest.param("ssh://git@git.example.org/%24%7BPATH%7D/p", None, id="an encoded one"),
        pytest.param("ssh://git@${HOST}/g/p", None, id="a lost substitution for the host"),
        pytest.param("ssh:///g/p", None, id="no host"),
        pytest.param("git@git.example.org:g/p", None, id="no scheme"),
    ],
)
def test_an_unusable_url_still_says_its_host_where_it_has_one(url: str, host: str | None) -> None:
    with pytest.raises(UnusableUrl) as caught:
        parse_git_url(url)
    assert caught.value.host == host


PIECES = st.one_of(
    st.sampled_from(["ssh://", "https://", "http://", "git@", HOST, "[::1]", ":", ":22", "/", "//", ".", "..", ".git"]),
    st.sampled_from(
        ["%2e", "%2F", "%252f", "%5c", "%00", "%ff", "%", "\\", "?", "#", "@", "~", " ", "\n", "gitlab", "a"]
    ),
    st.text(max_size=5),
)
NASTY = st.lists(PIECES, max_size=12).map("".join)


def parsed(url: str, relative_root: str = "") -> GitUrl | None:
    try:
        return parse_git_url(url, relative_root)
    except UnusableUrl:
        return None


@given(NASTY, st.sampled_from(["", "gitlab", "a/b"]))
def test_whatever_the_url_it_is_unusable_or_names_a_clean_path(text: str, root: str) -> None:
    for url in (text, f"ssh://git@{HOST}/{text}", f"ssh://git@{HOST}:{text}", f"https://{HOST}/{text}"):
        result = parsed(url, root)
        if result:
            segments = result.path.split("/")
            assert len(segments) >= 2
            assert not {"", ".", ".."} & set(segments)
            assert not set("%\\?# \n\x00") & set(result.path)
            assert result.host == result.host.lower() != ""


@given(NASTY)
def test_no_trick_leaves_the_group_or_the_host_that_the_url_begins_with(text: str) -> None:
    for url in (
        f"ssh://git@{HOST}/tenants/x/{text}",
        f"https://{HOST}/tenants/x/{text}",
        f"ssh://{HOST}:tenants/x/{text}",
    ):
        result = parsed(url)
        assert result is None or (result.host == HOST and result.path.startswith("tenants/x"))


@given(st.lists(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True), min_size=2, max_size=6).map("/".join))
def test_every_spelling_of_a_project_means_the_same_path(path: str) -> None:
    urls = [f"ssh://git@h/{path}", f"ssh://h:22//{path}.git", f"https://u:p@h/{path}.git/", f"http://h:80/{path}?q#f"]
    assert {path_of(url) for url in urls} == {path}


@pytest.mark.parametrize(
    "url",
    [
        "ssh://git@host/g@x/p",
        "ssh://git@host/oauth2:SECRET@x/p",
        "https://host/SECRET@evil/a/b",
        "ssh://host:SECRET/x/y@z/a",
        "ssh://git@host:2222:a/b",
    ],
)
def test_a_path_that_may_hold_a_credential_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(UnusableUrl, match=r"its path holds (`@`|a character)") as caught:
        parse_git_url(url)

    assert "SECRET" not in str(caught.value)


# verdicts of Go 1.26's net/url, by which Flux reads the URL
REFUSED_BY_GO = (
    "ssh://git@${GIT_HOST}/${GIT_PATH}/app.git",
    "ssh://git@{host}/a/b",
    "ssh://git@host%20name/a/b",
    "ssh://git@ho%41st/a/b",
    "ssh://git@host name/a/b",
    "ssh://git:pa/ss@host/a/b",
    "ssh://git:pa?ss@host/a/b",
    "ssh://git:pa#ss@host/a/b",
    "ssh://git:pa%zz@host/a/b",
    "ssh://git:p<a>@host/a/b",
    "ssh://g[it@host/a/b",
    'ssh://gi"t@host/a/b',
    "ssh://gi{t@host/a/b",
    "ssh://giét@host/a/b",
    "ssh://git@host:a/b/c",
    "ssh://git@host:22a/b/c",
    "ssh://git@host:-1/b/c",
    "ssh://git@[::1]x/a/b",
    "ssh://git@[::1/a/b",
    "ssh://git@[zz]/a/b",
    "ssh://git@[1.2.3.4]/a/b",
    "ssh://git@[fe80::1%en0]/a/b",
    "ssh://git@host/a%zz/b",
    "ssh://git@host/a%2/b",
    "ssh://git@host/a/b#%zz",
    "ssh://git@ho^st/a/b",
    "ssh://git@ho`st/a/b",
    "ssh://git@ho|st/a/b",
    "https://host:port/a/b",
    "ssh://git@ho\\st/a/b",
    "ssh://git@%host/a/b",
    "ssh://%@host/a/b",
    "ssh://git@host/a/b%",
    "ssh://git@host/a/b#x%",
    "ssh://gi t@host/a/b",
)
TAKEN_BY_GO = (
    "ssh://git@$GIT_HOST/a/b",
    "ssh://git@<host>/a/b",
    "ssh://git@h%C3%A9/a/b",
    "ssh://to/ken@host/a/b",
    "ssh://git:pa%2Fss@host/a/b",
    "ssh://git:pa:ss@host/a/b",
    "ssh://git@@host/a/b",
    "ssh://git@host:22/a/b",
    "ssh://git@host:/a/b",
    "ssh://git@a:b:22/c/d",
    "ssh://git@[::1]/a/b",
    "ssh://git@[::1]:22/a/b",
    "ssh://git@::1/a/b",
    "ssh://git@[fe80::1%25en0]/a/b",
    "ssh://git@host/a%41/b",
    "ssh://git@host/a/b?%zz",
    "ssh://git@host/a/b?x=${Y}",
    "ssh://git@host/a b/c",
    "ssh://git@host/<a>/b",
    "ssh://git@host/~a/b",
    "ssh://git@host/a/$b",
    'ssh://git@ho"st/a/b',
    "ssh://git@ho!st/a/b",
    "ssh://git@ho_st/a/b",
    "ssh://git@ho~st/a/b",
    "ssh://git@ho,st/a/b",
    "ssh://git@höst/a/b",
    "ssh://git@/a/b",
    "ssh:///a/b",
    "ssh://host/a/b",
    "ssh://git@host",
    "ssh://git@host?x",
    "ssh://git@*/a/b",
    "https://user@host/a/b",
    "ssh://git@-/a/b",
    "ssh://git@./a/b",
    "ssh://git@host./a/b",
    "ssh://git@host:99999999/a/b",
    "ssh://git@host%25/a/b",
    "ssh://git%40x@host/a/b",
    "ssh://:@host/a/b",
    "ssh://@host/a/b",
)
# Flux cannot fetch these, but what they mean is clear (the platform's own samples are written so).
SCP_STYLE = {"ssh://git@host:a/b/c", "ssh://git@host:22a/b/c", "ssh://git@host:-1/b/c"}
# Go lets them pass; no host has such a name, no path of GitLab such a character, or part of a password shows.
NEVER_OF_GITLAB = {
    *("ssh://git@$GIT_HOST/a/b", "ssh://git@<host>/a/b", "ssh://git@h%C3%A9/a/b", "ssh://to/ken@host/a/b"),
    *("ssh://git@a:b:22/c/d", "ssh://git@::1/a/b", "ssh://git@[fe80::1%25en0]/a/b", "ssh://git@host/a b/c"),
    *("ssh://git@host/<a>/b", "ssh://git@host/~a/b", "ssh://git@host/a/$b", 'ssh://git@ho"st/a/b'),
    *("ssh://git@ho!st/a/b", "ssh://git@ho~st/a/b", "ssh://git@ho,st/a/b", "ssh://git@/a/b", "ssh:///a/b"),
    *("ssh://git@host", "ssh://git@host?x", "ssh://git@*/a/b", "ssh://git@host%25/a/b"),
}


@pytest.mark.parametrize("url", REFUSED_BY_GO)
def test_what_go_refuses_is_unusable_whatever_its_host(url: str) -> None:
    if url in SCP_STYLE:
        assert not parse_git_url(url).fetchable
        return
    with pytest.raises(UnusableUrl) as caught:
        parse_git_url(url)
    assert caught.value.host is None


@pytest.mark.parametrize("url", TAKEN_BY_GO)
def test_what_go_takes_is_usable_but_for_what_gitlab_cannot_have(url: str) -> None:
    assert (parsed(url) is None) == (url in NEVER_OF_GITLAB)
