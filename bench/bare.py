"""The requests of an unchanged run, made with bare urllib3 and nothing else: what the least client would cost."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import urllib3

THREADS = 16
FLUX = (("source", "gitrepositories"), ("notification", "receivers"))


def main() -> None:
    gitlab = f"{os.environ['SYNCER_GITLAB_URL']}/api/v4"
    headers = {"Authorization": f"Bearer {os.environ['GITLAB_TOKEN']}", "Accept": "application/json"}
    pool = urllib3.PoolManager(maxsize=THREADS, headers=headers)
    get = _getter(pool, gitlab)
    get("/personal_access_tokens/self")
    get("/user")
    group = get(f"/groups/{os.environ['SYNCER_GROUP'].replace('/', '%2F')}?with_projects=false")["id"]
    projects, page = [], 1
    while found := get(f"/groups/{group}/projects?include_subgroups=true&simple=true&per_page=100&page={page}"):
        projects += [one["id"] for one in found]
        page += 1
    lists = [f"/projects/{id_}/{kind}?per_page=100&page=1" for id_ in projects for kind in ("deploy_keys", "hooks")]
    _all(get, lists)
    config = Path(os.environ["KUBECONFIG"]).read_text(encoding="utf-8")
    server, token = (re.search(rf"{name}: (\S+)", config) for name in ("server", "token"))
    credentials = {"Authorization": f"Bearer {token[1]}"} if token else {}
    kubernetes = urllib3.PoolManager(maxsize=THREADS, headers=credentials)
    ask = _getter(kubernetes, server[1] if server else "")
    secrets = []
    for group_name, plural in FLUX:
        path = f"/apis/{group_name}.toolkit.fluxcd.io/v1/namespaces/{os.environ['SYNCER_NAMESPACE']}/{plural}?limit=250"
        more = ""
        while True:
            answer = ask(path + more)
            secrets += [one["spec"]["secretRef"]["name"] for one in answer["items"]]
            if not (token_of := answer["metadata"].get("continue")):
                break
            more = f"&continue={token_of}"
    _all(ask, [f"/api/v1/namespaces/{os.environ['SYNCER_NAMESPACE']}/secrets/{name}" for name in secrets])


def _getter(pool: urllib3.PoolManager, base: str) -> Callable[[str], Any]:
    return lambda path: json.loads(pool.request("GET", base + path, redirect=False, retries=False).data)


def _all(get: Callable[[str], Any], paths: Iterable[str]) -> None:
    """Every path, from one iterator that all threads share."""
    left, lock = iter(paths), threading.Lock()

    def work() -> None:
        while True:
            with lock:
                path = next(left, None)
            if path is None:
                return
            get(path)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
