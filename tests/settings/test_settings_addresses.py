"""The addresses of GitLab and of Flux's webhook-receiver."""

from __future__ import annotations

from pathlib import Path

import pytest

from cronjob.settings.print_config import describe
from cronjob.settings.resolve import resolve
from tests.worlds.settings_samples import (
    NEEDED,
    complaint,
    read,
    write,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


class TestGitLabsAddress:
    @pytest.mark.parametrize(
        ("url", "normal", "host", "root"),
        [
            ("https://GitLab.test//", "https://gitlab.test", "gitlab.test", ""),
            ("https://gitlab.test:8443/Git/Lab/", "https://gitlab.test:8443/Git/Lab", "gitlab.test", "Git/Lab"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1", ""),
            ("http://localhost", "http://localhost", "localhost", ""),
            ("http://[::1]:80/", "http://[::1]:80", "::1", ""),
            ("HTTPS://gitlab.test", "https://gitlab.test", "gitlab.test", ""),
        ],
    )
    def test_it_is_kept_with_its_root_and_without_a_slash_at_the_end(
        self, url: str, normal: str, host: str, root: str
    ) -> None:
        settings = read(gitlab_url=url)
        assert (settings.gitlab_url, settings.gitlab_host, settings.relative_root) == (normal, host, root)
        assert settings.rules().relative_root == root
        assert settings.run_options().gitlab_host == host

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("http://gitlab.test", "is plain http"),
            ("http://127.0.0.1.evil.test", "is plain http"),
            ("https://gitlab.test/api/v4", "names the API"),
            ("https://user:hunter2@gitlab.test", "holds a user name or password"),
            ("https://gitlab.test?hunter2=1", "holds a query or fragment"),
            ("https://gitlab.test/#hunter2", "holds a query or fragment"),
            ("gitlab.test", "is no URL"),
            ("https://", "is no URL"),
            ("ftp://gitlab.test", "is no URL"),
            ("https://gitlab.test:99999", "is no URL"),
            ("https://gitlab.test:0", "is no URL"),
            ("https://[::1", "is no URL"),
            ("https://gitlab.test/a b", "is no URL"),
            ("https://gitlab.test/a/../b", "is no URL"),
            ("https://gitlab.test/a//b", "is no URL"),
            ("https://git\nlab.test", "is no URL"),
            ("https://gitlab_test", "is no URL"),
        ],
    )
    def test_one_that_cannot_be_used_is_refused_and_not_repeated(self, url: str, words: str) -> None:
        line = complaint(gitlab_url=url)
        assert line.startswith(f"--gitlab-url {words}")
        assert "hunter2" not in line
        assert "hunter2" not in describe(resolve("run", {**NEEDED, "gitlab_url": url}, {}))


class TestTheReceiversAddress:
    @pytest.mark.parametrize("url", ["https://flux.test/", "http://flux.test:8080", "https://flux.test/webhooks"])
    def test_http_and_https_and_a_path_will_do(self, url: str) -> None:
        assert read(receiver_url=url).receiver_url == url.rstrip("/")

    @pytest.mark.parametrize("path", ["/hook", "/hook/", "/flux/hook", "/hook/" + "0" * 64])
    def test_one_that_ends_in_the_hook_is_refused_with_the_reason(self, path: str) -> None:
        assert "which Flux adds to every path itself" in complaint(receiver_url=f"https://flux.test{path}")

    def test_one_whose_host_is_called_hook_will_do(self) -> None:
        assert read(receiver_url="https://hook.test/hooks").receiver_url == "https://hook.test/hooks"

    @pytest.mark.parametrize(
        "url", ["https://a:b@flux.test", "https://flux.test?a", "https://flux.test/#a", "flux.test"]
    )
    def test_one_with_more_than_an_address_is_refused(self, url: str) -> None:
        assert complaint(receiver_url=url).startswith("--receiver-url")

    def test_former_ones_are_looked_at_in_the_same_way(self, file: Path) -> None:
        path = write(file, previous_receiver_urls=["https://old.test/hook"])
        assert complaint(config=path).startswith(f"`previous_receiver_urls` in {path} ends in /hook")
