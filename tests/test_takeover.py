"""One run on an experiment's results, and none of an earlier one's jobs beside it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prism.errors import PrismError
from prism.events import ALLOCATION, RUN
from prism.takeover import begin, check_run, register

from .processes import ended_after, started

BEGIN = "import sys; from prism.takeover import begin; begin(sys.argv[1]); print('at work', flush=True); input()"
# a job with a child, as a loader of data has one; both hold the record, and asked to end, it ends the child too
JOB = """
import signal, subprocess, sys
from pathlib import Path
from prism.takeover import register
register(Path(sys.argv[1]))
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], close_fds=False)
signal.signal(signal.SIGTERM, lambda *_: (child.terminate(), sys.exit(3)))
print(child.pid, flush=True)
child.wait()
"""


def program(text: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    source = str(Path(__file__).resolve().parents[1] / "src")
    environment = os.environ | {"PYTHONPATH": source} | variables
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return started([sys.executable, "-c", text, *arguments], env=environment, **pipes)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv(RUN, "")
    monkeypatch.delenv(RUN)
    monkeypatch.setenv(ALLOCATION, "")
    monkeypatch.delenv(ALLOCATION)


def test_a_second_run_is_refused_with_the_first_ones_number_and_a_killed_one_leaves_nothing_to_unlock(tmp_path):
    with ended_after(program(BEGIN, str(tmp_path))) as first:
        assert line(first) == "at work"
        with ended_after(program(BEGIN, str(tmp_path))) as second:
            told = second.communicate()[0]
            assert f"another run is at work on it (process {first.pid} on " in told
        first.kill()
        first.wait()
        with ended_after(program(BEGIN, str(tmp_path))) as third:
            assert line(third) == "at work"


def test_a_run_stops_the_processes_that_a_killed_one_left_children_too(tmp_path):
    record = tmp_path / "logs" / "shard-0000.job"
    record.parent.mkdir()
    with ended_after(program(BEGIN, str(tmp_path))) as run:
        assert line(run) == "at work"
        token = (tmp_path / ".run" / "token").read_text()
        with ended_after(program(JOB, str(record), **{RUN: token})) as orphan:
            child = int(line(orphan))
            run.kill()
            run.wait()
            os.kill(child, 0)
            begin(tmp_path)
            assert orphan.wait(timeout=10) == 3
    assert not record.exists()


def test_a_number_that_is_another_process_by_now_is_left_alone(tmp_path):
    with ended_after(started([sys.executable, "-c", "import time; time.sleep(600)"])) as stranger:
        record = tmp_path / "shard-0000.job"
        record.write_text(json.dumps({"pid": stranger.pid, "host": os.uname().nodename, "slurm_job": None}))
        begin(tmp_path)
        assert stranger.poll() is None


def test_a_job_of_a_run_that_is_gone_does_not_start(tmp_path, monkeypatch):
    begin(tmp_path)
    monkeypatch.setenv(RUN, "an earlier one")
    with pytest.raises(PrismError, match=r"shard-0000.job: a later run has taken over"):
        register(tmp_path / "shard-0000.job")
    assert not (tmp_path / "shard-0000.job").exists()


def test_by_hand_no_record_is_left(tmp_path):
    register(tmp_path / "shard-0000.job")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """``slurm(squeue=<lines of sh>, …)``: these commands alone stand for a cluster's."""

    def install(**commands: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, text in commands.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return install


@pytest.fixture
def left(tmp_path):
    """``left(**facts)``: results with the record of an earlier run's job that says so."""

    def write(**facts: object) -> Path:
        results = tmp_path / "results"
        results.mkdir()
        (results / "shard-0000.job").write_text(json.dumps({"pid": 1, "host": "node7", "slurm_job": None} | facts))
        return results

    return write


def test_jobs_of_the_cluster_are_cancelled_and_waited_for(tmp_path, slurm, left):
    alive = tmp_path / "alive"
    alive.write_text("RUNNING")
    # a cancelled job is COMPLETING for a while
    ending = f"echo COMPLETING > {alive}\n(sleep 1.5; : > {alive}) > /dev/null &"
    slurm(
        squeue=f'[ "$3" = 77 ] && [ -s {alive} ] && echo 77 $(cat {alive}); exit 0',
        scancel=f"echo $1 >> {tmp_path}/cancelled\n{ending}",
    )
    results = left(slurm_job="77")
    started_at = time.monotonic()
    begin(results)
    assert (tmp_path / "cancelled").read_text() == "77\n"
    assert time.monotonic() - started_at > 1
    assert not list(results.glob("*.job"))


def test_all_jobs_are_asked_for_at_once(tmp_path, slurm, left):
    slurm(squeue=f"echo $3 >> {tmp_path}/asked; echo 78 COMPLETED", scancel=f"echo $1 >> {tmp_path}/cancelled")
    results = left(slurm_job="77")
    (results / "shard-0001.job").write_text(json.dumps({"pid": 1, "host": "node7", "slurm_job": "78"}))
    begin(results)
    assert (tmp_path / "asked").read_text() == "77,78\n" and not (tmp_path / "cancelled").exists()
    assert not list(results.glob("*.job"))


def test_a_run_in_an_allocation_of_its_user_does_not_cancel_it(tmp_path, slurm, left, monkeypatch):
    slurm(squeue="echo 77 RUNNING", scancel=f"echo $1 >> {tmp_path}/cancelled")
    results = left(slurm_job="77", host=os.uname().nodename)  # as an earlier version left it
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    monkeypatch.setenv(ALLOCATION, "")
    begin(results)
    assert register(results / "shard-0000.job")["slurm_job"] is None  # a process of this allocation, not a job of it
    monkeypatch.setenv("SLURM_JOB_ID", "78")
    assert register(results / "shard-0001.job")["slurm_job"] == "78"
    assert not (tmp_path / "cancelled").exists()


def test_a_job_that_waited_for_one_that_was_stopped_does_not_start_in_its_place(tmp_path):
    """The record that it waited for is gone, and so is its run."""
    record = tmp_path / "shard-0000.job"
    with ended_after(program(BEGIN, str(tmp_path))) as run:
        assert line(run) == "at work"
        token = (tmp_path / ".run" / "token").read_text()
        with record.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with ended_after(program(JOB, str(record), **{RUN: token})) as waiting:
                time.sleep(1.5)
                assert waiting.poll() is None
                (tmp_path / ".run" / "token").write_text("a later one")
                fcntl.flock(held, fcntl.LOCK_UN)
                assert "a later run has taken over" in waiting.communicate(timeout=20)[0]


def test_jobs_that_the_cluster_has_forgotten_are_gone(slurm, left):
    slurm(squeue="echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    results = left(slurm_job="77")
    begin(results)
    assert not list(results.glob("*.job"))


def test_a_cluster_that_does_not_answer_is_no_proof_that_a_job_has_ended(slurm, left):
    slurm(squeue="echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1")
    results = left(slurm_job="77")
    with pytest.raises(PrismError, match=r"shard-0000.job: squeue does not tell .* job 77 .*contact slurm controller"):
        begin(results)
    assert list(results.glob("*.job"))


@pytest.mark.parametrize("job", [{"slurm_job": "77"}, {"host": "another"}], ids=["slurm", "another-host"])
def test_where_a_job_cannot_be_asked_for_its_record_tells_whether_it_runs(left, job, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))  # no squeue
    results = left(**job)
    record = results / "shard-0000.job"
    with record.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(PrismError, match=r"shard-0000.job: .* of an earlier run does not end; stop it"):
            begin(results)
    assert record.exists()


def test_records_of_machines_that_are_gone_hinder_nothing(left, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    results = left(slurm_job="77")
    begin(results)
    assert not list(results.glob("*.job"))


def test_a_job_that_waited_in_the_queue_does_not_begin_for_a_later_run(tmp_path, monkeypatch):
    check_run(tmp_path)  # by hand: there is no run
    (tmp_path / ".run").mkdir()
    (tmp_path / ".run" / "token").write_text("present", encoding="utf-8")
    check_run(tmp_path)
    monkeypatch.setenv(RUN, "present")
    check_run(tmp_path)
    monkeypatch.setenv(RUN, "earlier")
    with pytest.raises(PrismError, match="a later run has taken over"):
        check_run(tmp_path)
