from __future__ import annotations

import json

from cronjob.reports.saved_log import log_in

KEY = {"project": "tenants/shop", "project_id": 7, "kind": "deploy_key", "key": {"title": "t"}}
WEBHOOK = {"project": "tenants/shop", "project_id": 7, "kind": "webhook", "webhook": {"receiver": "Receiver/flux/shop"}}


def line(run_id: str = "run-1", **more: object) -> str:
    return json.dumps({"ts": "2026-11-30T10:00:00Z", "level": "info", "run_id": run_id, "cluster": "prod", **more})


def test_the_removed_records_of_a_run_are_its_deletes() -> None:
    log = log_in([line(msg="begins"), line(removed=KEY), line(removed=WEBHOOK), line(msg="Applied", deletes=2)])

    [run] = log.deleting
    assert (run.run_id, run.cluster, run.at, run.missing) == ("run-1", "prod", "2026-11-30T10:00:00Z", 0)
    assert [change["sources"] for change in run.as_report()["changes"]] == [[], ["Receiver/flux/shop"]]


def test_a_log_that_was_rotated_lacks_deletes() -> None:
    [run] = log_in([line(removed=KEY), line(deletes=12)]).deleting
    assert (run.missing, run.deletes) == (11, 12)


def test_without_a_summary_line_nobody_can_tell_what_is_missing() -> None:
    [run] = log_in([line(removed=KEY)]).deleting
    assert (run.missing, run.deletes) == (0, None)


def test_a_run_that_lost_all_its_removed_lines_still_is_one_that_deleted() -> None:
    [run] = log_in([line(deletes=3)]).deleting
    assert (run.removed, run.missing) == ([], 3)


def test_runs_that_deleted_nothing_are_known_and_left_out() -> None:
    log = log_in([line(msg="begins"), line(deletes=0), line("run-2", removed=KEY)])
    assert ([*log.runs], [run.run_id for run in log.deleting]) == (["run-1", "run-2"], ["run-2"])


def test_prefixes_of_kubectl_logs_are_passed_over() -> None:
    log = log_in([f"[pod/syncer-1/syncer] 2026-11-30T10:00:00.1Z {line(removed=KEY)}"])
    assert (len(log.deleting), log.skipped) == (1, 0)


def test_other_lines_are_counted_and_nothing_else() -> None:
    texts = ["Traceback (most recent call last):", "", "{not json", "[1, 2]", '{"run_id": 5}', "9" * 5000, line()]
    log = log_in(texts)
    assert ([*log.runs], log.skipped) == (["run-1"], 5)
