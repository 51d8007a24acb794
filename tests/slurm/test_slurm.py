"""The profile of the cluster on a real one: what jobs ask for, and what becomes of jobs and runs that are killed."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from ..commands import commands
from ..workflow.conftest import LONGEST_SECONDS, REPOSITORY, copied, result_hashes, with_models, with_real_models
from .cluster import end_jobs
from .conftest import Submitted

pytestmark = pytest.mark.slow

# In place of a real program. Its first start on an output does what the file `trouble` says; later ones just write.
STAND_IN = """
import sys, time
from pathlib import Path
from prism.artifacts import atomic_path, write_json
from prism.cli import run

def main():
    output = Path(sys.argv[sys.argv.index("--output") + 1])
    mark = Path(f"started-{output.stem}")
    first = not mark.exists()
    with mark.open("a") as stream:
        stream.write("x")
    trouble = Path("trouble").read_text() if first else ""
    if trouble == "memory":
        held = bytearray(1_200_000_000)
        time.sleep(600)
    if trouble == "wait":
        time.sleep(600)
    write_json(output.with_suffix(".json"), {})
    with atomic_path(output) as temporary:
        temporary.write_text("whole")

run(main)
"""
SMOKE = ("--configfile", "config/smoke.yaml")


@pytest.fixture
def place(tmp_path, cluster) -> Iterator[Submitted]:
    made = with_models(copied(tmp_path))
    (tmp_path / "scripts" / "prompts.py").write_text(STAND_IN, encoding="utf-8")
    (tmp_path / "trouble").write_text("wait", encoding="utf-8")
    submitted = Submitted(made, cluster)
    yield submitted
    cluster.ask("scancel", "--me")  # of a test that failed half-way
    end_jobs(cluster.folder)
    until(lambda: not submitted.jobs())


def until(condition: Callable[[], object], seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while True:
        with suppress(subprocess.CalledProcessError):  # a busy controller may not answer in time
            if condition():
                return
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.3)


def started_once(place: Submitted) -> bool:
    return len(list(place.root.path.glob("started-*"))) == 2


def written(place: Submitted) -> dict[str, str]:
    folder = place.root.path / "results" / "smoke" / "prompts"
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.jsonl")}


WHOLE = {"class-name": "whole", "diversified": "whole"}


def test_jobs_ask_for_what_the_configuration_says_and_a_cancelled_one_is_done_again_with_more(place):
    wanted = "jobs={prompts: {partition: long, mem_mb: 700, runtime: 30, threads: 2, gpu: 1}}"
    with place.start("prompts", *SMOKE, "--config", wanted) as process:
        until(lambda: started_once(place))
        jobs = place.jobs("%i %P %m %l %C")
        assert [job[1:5] for job in jobs] == [["long", "700M", "30:00", "2"]] * 2
        assert all("gpu:1" in place.cluster.ask("scontrol", "show", "job", job[0]) for job in jobs)
        place.cluster.ask("scancel", jobs[0][0])
        until(lambda: [job[1:] for job in place.jobs("%i %m %l")].count(["1400M", "1:00:00"]) == 1)
        place.cluster.ask("scancel", jobs[1][0])
        text, _ = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == 0, text
    assert written(place) == WHOLE


def test_what_the_cluster_does_not_have_is_said_before_anything_is_submitted(place):
    answer = place.run("prompts", *SMOKE, "--config", "jobs={prompts: {partition: lang}, synthesis: {gpu: 5}}")
    assert answer.status != 0
    told = [line for line in answer.text.splitlines() if "config: jobs." in line]
    assert told == [
        "error: config: jobs.prompts.partition: lang is no partition of this cluster; did you mean long?",
        "config: jobs.synthesis.gpu: 5 is more than a node of partition main has, which is 4",
    ]
    assert "Traceback" not in answer.text
    assert not list(place.root.path.glob("started-*"))


def test_a_job_over_its_memory_is_done_again_with_more(place):
    (place.root.path / "trouble").write_text("memory", encoding="utf-8")
    answer = place.run("prompts", *SMOKE, "--config", "jobs={prompts: {mem_mb: 900}}")
    assert answer.status == 0, answer.text
    assert written(place) == WHOLE
    assert [path.read_text(encoding="utf-8") for path in place.root.path.glob("started-*")] == ["xx", "xx"]


def test_a_job_over_its_time_is_done_again_with_more(place):
    answer = place.run("prompts", *SMOKE, "--config", "jobs={prompts: {runtime: 1}}")
    assert answer.status == 0, answer.text
    assert written(place) == WHOLE


def test_after_a_killed_coordinator_the_same_command_cancels_its_jobs_and_finishes(place):
    command = ("prompts", *SMOKE)
    with place.start(*command) as process:
        until(lambda: started_once(place))
        process.kill()
        process.wait()
        left = {job[0] for job in place.jobs()}
        assert len(left) == 2  # they go on
        with place.start(*command) as again:
            until(lambda: not left & {job[0] for job in place.jobs()})
            # none of the second run's jobs began beside them
            assert {path.read_text(encoding="utf-8") for path in place.root.path.glob("started-*")} <= {"x", "xx"}
            text, _ = again.communicate(timeout=LONGEST_SECONDS)
        assert again.returncode == 0, text
    assert written(place) == WHOLE


def test_ctrl_c_cancels_the_jobs(place):
    import os
    import signal

    with place.start("prompts", *SMOKE) as process:
        until(lambda: started_once(place))
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=120)
        assert process.returncode != 0
        until(lambda: not [job for job in place.jobs() if job[1] != "COMPLETING"])
    assert written(place) == {}


def test_the_smoke_run_uses_four_gpus_at_once_and_its_results_are_the_local_ones(tmp_path, cluster):
    documented = [line for line in commands(REPOSITORY / "docs" / "operations.md") if "profiles/slurm" in line]
    assert documented == ["snakemake --profile workflow/profiles/slurm all"]  # as below
    roots = []
    for name in ("local", "cluster"):
        (tmp_path / name).mkdir()
        roots.append(with_real_models(copied(tmp_path / name)))
    answer = roots[0].snakemake("all")
    assert answer.status == 0, answer.text
    submitted = Submitted(roots[1], cluster)
    wanted = "jobs={synthesis: {mem_mb: 3000, partition: long}}"  # four at once in the node's memory
    partition = ("scontrol", "update", "PartitionName=long")
    cluster.ask(*partition, "State=DOWN")  # the partition takes jobs and starts none, until all four have come
    at_once, held, end = 0, True, time.monotonic() + 600
    with ThreadPoolExecutor(1) as reading, submitted.start("all", *SMOKE, "--config", wanted) as process:
        told = reading.submit(process.communicate, timeout=LONGEST_SECONDS)  # a full pipe would stop it
        while not told.done():
            with suppress(subprocess.CalledProcessError):
                jobs = submitted.jobs("%P %T")
                if held and (jobs == [["long", "PENDING"]] * 4 or time.monotonic() > end):
                    cluster.ask(*partition, "State=UP")
                    held = False
                at_once = max(at_once, jobs.count(["long", "RUNNING"]))
            time.sleep(0.5)
    cluster.ask(*partition, "State=UP")  # of a run that ended before its time
    assert process.returncode == 0, told.result()[0]
    assert at_once == 4
    records = [json.loads(path.read_text()) for path in roots[1].path.rglob("synthesis/**/*.job")]
    assert sorted(record["gpus"] for record in records) == ["0", "1", "2", "3"]
    assert result_hashes(roots[0]) == result_hashes(roots[1])
