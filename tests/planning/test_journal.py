"""The sums of a run, from events as jobs tell them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from prism.planning.journal import journal_text, stage_sums


def write(logs, job, *events, run="this-run"):
    path = logs / f"{job}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as out:
        for second, event, facts in events:
            time = datetime(2026, 1, 1, 10, tzinfo=UTC) + timedelta(seconds=second)
            out.write(json.dumps({"time": time.isoformat(), "event": event, "run": run, **facts}) + "\n")


def job(first, last, status=0, *, wrote=None):
    middle = [(last, "wrote", wrote)] if wrote else []
    return [(first, "start", {"pid": 1}), *middle, (last, "end", {"status": status})]


def test_jobs_tries_failures_and_what_was_written_are_summed_by_stage(tmp_path):
    drawn = {"count": 100, "seconds": 40.0, "peak_memory_mb": 2048.0, "redrawn": 2, "candidates": 120, "kept": 100}
    write(tmp_path, "synthesis/prism/shard-0000", *job(0, 50, wrote=drawn))
    write(tmp_path, "synthesis/prism/shard-0001", (0, "start", {}), (20, "progress", {}))  # killed
    write(tmp_path, "synthesis/prism/shard-0001", *job(30, 60, wrote={**drawn, "peak_memory_mb": 1024.0}))
    lines = {"asked": 9, "rejected": {"too long": 3, "no class name": 1}}
    write(tmp_path, "prompts/diversified", *job(0, 5, wrote={"count": 9, "seconds": 3.0, "lines": lines}))
    write(tmp_path, "prompts/class-name", (0, "start", {}), (1, "warning", {}), (2, "end", {"status": 2}))
    write(tmp_path, "prompts/class-name", *job(0, 900), run="an earlier run")
    sums = stage_sums(tmp_path, "this-run")
    images, prompts = sums["synthesis"], sums["prompts"]
    assert (images.jobs, images.again, images.failed, images.seconds) == (2, 1, 1, 50 + 20 + 30)
    assert (images.items, images.writing, images.peak_mb) == (200, 80.0, 2048.0)
    assert images.rejected == {"drawn again": 4, "not kept": 40, "prompts": 0}
    assert (prompts.jobs, prompts.again, prompts.failed, prompts.warnings, prompts.seconds) == (2, 0, 1, 1, 7)
    assert prompts.rejected["prompts"] == 4


def test_the_table_has_the_stages_in_the_order_of_the_workflow(tmp_path):
    write(tmp_path, "synthesis/prism/shard-0000", *job(0, 3700, wrote={"count": 1000, "seconds": 50.0, "redrawn": 1}))
    write(tmp_path, "prompts/class-name", *job(0, 5))
    header, first, second = journal_text(tmp_path, "this-run").splitlines()
    assert header.split()[:4] == ["stage", "jobs", "again", "failed"]
    assert first.split() == ["prompts", "1", "0:00:05"]
    assert second.split() == ["synthesis", "1", "1:01:40", "1,000", "20", "1", "drawn", "again"]


def test_a_run_that_started_nothing_says_nothing(tmp_path):
    assert journal_text(tmp_path / "no logs yet", "this-run") == ""
    write(tmp_path, "prompts/class-name", *job(0, 5), run="an earlier run")
    assert journal_text(tmp_path, "this-run") == ""
