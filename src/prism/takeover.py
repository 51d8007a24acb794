"""One run at a time on an experiment's results, and none of an earlier one's jobs left beside it.

A run of Snakemake that is killed leaves its jobs behind: processes of this machine, or jobs of the cluster. The next
run of the same experiment must neither start a second writer beside them nor ask anyone to unlock anything. So the
run holds a lock that the kernel frees whenever it ends, each job leaves a record of where it runs, and a run that
begins stops what it finds. A job of the cluster that only starts after that sees that its run is over, and ends.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from prism.artifacts import disk_errors, read_json, write_text
from prism.errors import DataError, PrismError
from prism.events import ALLOCATION, RUN, in_run_s_allocation
from prism.locks import open_lock, try_lock

_FOLDER = ".run"
_PATIENCE_SECONDS = 60.0
_AT_ONCE = 1000  # jobs that one squeue is asked of
_ENDED = {"COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "BOOT_FAIL", "DEADLINE"}
_held: list[int] = []  # descriptors that this process keeps open to its end


def begin(results: Path) -> None:
    """Make this process the one run of an experiment, for as long as it lives, and stop what an earlier one left.

    Args:
        results: the experiment's folder of results.

    Raises:
        PrismError: another run is at work there, a job of an earlier one does not end, or the folder cannot be written.
    """
    folder = Path(results) / _FOLDER
    with disk_errors(folder / "lock"):
        folder.mkdir(parents=True, exist_ok=True)
        lock = open_lock(folder / "lock")  # not for children: they outlive a killed run
    if not try_lock(lock):
        owner = os.read(lock, 200).decode("utf-8", "replace").strip() or "unknown"
        os.close(lock)
        raise PrismError(f"{results}: another run is at work on it ({owner}); wait for its end, or stop it")
    with disk_errors(folder / "lock"):
        os.ftruncate(lock, 0)
        os.write(lock, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    _held.append(lock)
    token = uuid.uuid4().hex
    write_text(folder / "token", token)  # before anything is stopped: nothing of the earlier run starts after this
    os.environ[RUN] = token
    os.environ[ALLOCATION] = os.environ.get("SLURM_JOB_ID", "")
    records = sorted(Path(results).rglob("*.job"))
    _stop_all(records)
    for record in records:
        record.unlink(missing_ok=True)


def register(record: Path) -> dict[str, Any]:
    """Leave a record of this process as a job of the present run; it holds until its last child has ended.

    Without a run, as by hand, nothing is left.

    Args:
        record: a file of that job's own, below the experiment's folder of results.

    Returns:
        What the record says: ``pid``, ``host``, ``slurm_job`` and ``gpus``, as SLURM has chosen or the run may see.

    Raises:
        PrismError: a later run has taken over, or another process is at work on the same job.
    """
    facts = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "slurm_job": None if in_run_s_allocation() else os.environ.get("SLURM_JOB_ID"),
        "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
    }
    token = os.environ.get(RUN)
    if token is None:
        return facts
    _check_token(record, token)
    with disk_errors(record):
        lock = open_lock(record)
    end = time.monotonic() + _PATIENCE_SECONDS
    while not try_lock(lock):
        if time.monotonic() > end:
            raise PrismError(f"{record}: another process is at work on the same job")
        time.sleep(0.2)
    _check_token(record, token)  # the wait may have been for a job that a later run has stopped
    with disk_errors(record):
        os.ftruncate(lock, 0)
        os.write(lock, json.dumps(facts).encode())
    os.set_inheritable(lock, True)
    return facts


def check_run(results: Path) -> None:
    """Refuse to begin a job, in a process of the cluster, that belongs to an earlier run than the present one.

    A job that waited in the queue while its run was killed would else delete, as Snakemake does before it begins, what
    the present run has made in its place.

    Args:
        results: the experiment's folder of results.

    Raises:
        PrismError: a later run has taken over.
    """
    token, folder = os.environ.get(RUN), Path(results) / _FOLDER
    if token is not None and (folder / "token").is_file():
        _check_token(folder / "job", token)


def _check_token(record: Path, token: str) -> None:
    present = next((p / _FOLDER / "token" for p in Path(record).parents if (p / _FOLDER / "token").is_file()), None)
    if present is None or present.read_text(encoding="utf-8") != token:
        raise PrismError(f"{record}: a later run has taken over; this job belongs to one that is gone")


def _stop_all(records: Sequence[Path]) -> None:
    slurm_jobs: dict[Path, str] = {}
    for record in records:
        try:
            facts = read_json(record)
        except DataError:  # killed while it was written: no work was begun
            continue
        if facts.get("slurm_job") not in (None, os.environ.get("SLURM_JOB_ID")):
            slurm_jobs[record] = str(facts["slurm_job"])
        elif facts.get("host") == socket.gethostname():
            _stop_process(record, int(facts["pid"]))
        elif _is_held(record):
            _refuse(record, f"process {facts.get('pid')} on {facts.get('host')}")
    for start in range(0, len(slurm_jobs), _AT_ONCE):
        _stop_slurm(dict(list(slurm_jobs.items())[start : start + _AT_ONCE]))


def _stop_process(record: Path, pid: int) -> None:
    """End a process that still holds its record: first asked to, so that it saves its state, then killed."""
    lock = open_lock(record)
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if try_lock(lock):
                return
            if _has_open(pid, record):  # else the number is another process's by now
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            end = time.monotonic() + _PATIENCE_SECONDS
            while time.monotonic() < end:
                if try_lock(lock):
                    return
                time.sleep(0.1)
        _refuse(record, f"process {pid}")
    finally:
        os.close(lock)


def _stop_slurm(jobs: Mapping[Path, str]) -> None:
    if shutil.which("squeue") is None:  # not on that cluster
        for record, job in jobs.items():
            if _is_held(record):
                _refuse(record, f"SLURM job {job}")
        return
    end = time.monotonic() + 2 * _PATIENCE_SECONDS
    if alive := _alive(jobs):
        subprocess.run(["scancel", *alive.values()], capture_output=True, check=False)
    while alive := _alive(alive):
        if time.monotonic() > end:
            record, job = next(iter(alive.items()))
            _refuse(record, f"SLURM job {job}")
        time.sleep(1)


def _refuse(record: Path, what: str) -> NoReturn:
    raise PrismError(f"{record}: {what} of an earlier run does not end; stop it, then run again")


def _alive(jobs: Mapping[Path, str]) -> dict[Path, str]:
    """Those that are still waiting, running or ending; a cluster that does not answer has not said no."""
    if not jobs:
        return {}
    query = ["squeue", "--noheader", "--jobs", ",".join(jobs.values()), "--format", "%i %T"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        trouble = "no answer within a minute"
    else:
        if answer.returncode == 0:
            states = dict(line.split()[:2] for line in answer.stdout.splitlines() if len(line.split()) > 1)
            return {record: job for record, job in jobs.items() if states.get(job, "COMPLETED") not in _ENDED}
        trouble = (answer.stderr.strip() or f"status {answer.returncode}").splitlines()[-1]
        if "Invalid job id" in trouble and len(jobs) == 1:  # ended long ago
            return {}
    record, job = next(iter(jobs.items()))
    raise PrismError(f"{record}: squeue does not tell whether job {job} of an earlier run has ended: {trouble}")


def _is_held(record: Path) -> bool:
    """Whether a process still holds its record, on whichever host: the file system's locks reach all of them."""
    lock = open_lock(record)
    try:
        return not try_lock(lock)
    finally:
        os.close(lock)


def _has_open(pid: int, path: Path) -> bool:
    wanted: Any = path.stat()
    for link in Path("/proc", str(pid), "fd").glob("*"):
        with suppress(OSError):
            if os.path.samestat(link.stat(), wanted):
                return True
    return False
