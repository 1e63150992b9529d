"""The embedded GitLab with what a real one has behind it: Git repositories, and webhooks that are delivered."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from cronjob.sandbox.fake_gitlab.records import Hook, Project
from cronjob.sandbox.fake_gitlab.world import GitLabWorld
from tests.real.ssh_server import SshServer

# GitLab 17.11 and newer: after so many failures in a row a webhook rests, for a minute that doubles each time, or ends.
_RESTS_AFTER, _ENDS_AFTER = 4, 40
_LONGEST_REST = timedelta(days=1)
_EVENTS = {"push_hooks": "Push Hook", "tag_push_hooks": "Tag Push Hook"}
_NOBODY = "0" * 40


@dataclass
class Forge:
    """
    *gitlab*, served at *url*, with *repositories* of its projects behind *ssh*, and webhooks that are delivered.

    *token* is that of the job's account, a Maintainer of the tenants' group.
    """

    gitlab: GitLabWorld
    url: str
    token: str
    repositories: Path
    ssh: SshServer
    _failures: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.gitlab.receiver = self._post
        self.gitlab.ssh_host, self.gitlab.ssh_port = "127.0.0.1", self.ssh.port

    def create(self, path: str) -> Project:
        """A project with an empty repository."""
        project = self.gitlab.add_project(path)
        self.git("init", "-q", "--bare", "-b", "main", str(self._bare(project)))
        return project

    def push(self, project: Project, files: dict[str, str]) -> str:
        """Commit *files* to `main`, send the push's webhooks, and return the commit."""
        bare = self._bare(project)
        copy = self.repositories / f"{project.id}.work"
        if not copy.exists():
            self.git("clone", "-q", str(bare), str(copy))
        for name, text in files.items():
            (copy / name).write_text(text)
        self.git("add", "-A", at=copy)
        self.git("commit", "-q", "-m", f"Change {', '.join(files)}", at=copy)
        self.git("push", "-q", "origin", "HEAD:main", at=copy)
        self.send(project, "push_hooks")
        return self.git("rev-parse", "HEAD", at=copy)

    def send(self, project: Project, trigger: str) -> None:
        """Deliver one event to each webhook that wants it and is not switched off."""
        for hook in self.gitlab.hooks_of(project):
            wants = hook.push_events if trigger == "push_hooks" else hook.tag_push_events
            if wants and hook.alert_status == "executable":
                status = self.gitlab.deliver(hook, trigger).status
                self._count(hook, succeeded=isinstance(status, int) and 200 <= status < 300)

    def git(self, *arguments: str, at: Path | None = None, **environment: str) -> str:
        """What git prints; it must succeed."""
        names = {
            f"GIT_{role}_{what}": "tests@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        isolated = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
        command = ["git", *arguments]
        done = subprocess.run(
            command, cwd=at, env=isolated | names | environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _bare(self, project: Project) -> Path:
        return self.repositories / f"{project.id}.git"

    def _count(self, hook: Hook, *, succeeded: bool) -> None:
        self._failures[hook.id] = 0 if succeeded else self._failures[hook.id] + 1
        failures = self._failures[hook.id]
        if failures >= _ENDS_AFTER:
            self.gitlab.disable_hook(hook)
        elif failures >= _RESTS_AFTER:
            rest = min(timedelta(minutes=1) * 2 ** (failures - _RESTS_AFTER), _LONGEST_REST)
            self.gitlab.disable_hook(hook, until=self.gitlab.now() + rest)

    def _post(self, hook: Hook, trigger: str) -> int | str:
        """One delivery over HTTP, with the headers that GitLab sends; the status, or what went wrong on the way."""
        event = _EVENTS[trigger]
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"GitLab/{self.gitlab.version}",
            "X-Gitlab-Event": event,
            "X-Gitlab-Event-UUID": str(uuid.uuid4()),
            "X-Gitlab-Webhook-UUID": str(uuid.uuid4()),
            **({"X-Gitlab-Token": hook.token} if hook.token else {}),
        }
        try:
            answer = requests.post(hook.url, json=self._event(hook, event), headers=headers, timeout=10)
        except requests.RequestException as error:
            return str(error)
        return answer.status_code

    def _event(self, hook: Hook, event: str) -> dict[str, Any]:
        project = self.gitlab.projects[hook.project_id]
        commit = self.git("rev-parse", "main", at=self._bare(project))
        return {
            "object_kind": event.removesuffix(" Hook").lower().replace(" ", "_"),
            "before": _NOBODY,
            "after": commit,
            "ref": "refs/heads/main",
            "checkout_sha": commit,
            "project_id": project.id,
            "project": {
                "id": project.id,
                "path_with_namespace": project.path_with_namespace,
                "git_ssh_url": self.gitlab.ssh_url(project.path_with_namespace),
                "default_branch": "main",
            },
            "commits": [{"id": commit}],
            "total_commits_count": 1,
        }
