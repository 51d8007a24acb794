"""Killed again and again at random moments, the same command ends in the same bytes as a run that nothing disturbs.

PRISM_SOAK_KILLS is the number of kills (6); a hundred take about an hour on two cores.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from contextlib import suppress

import pytest

from .conftest import Root, copied, result_hashes, with_real_models

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("PRISM_SOAK_KILLS", "6"))
SEED = int(os.environ.get("PRISM_SOAK_SEED", "0"))
LONGEST_SECONDS = 40.0


def test_a_run_killed_at_random_ends_in_the_same_bytes(tmp_path):
    roots = []
    for name in ("calm", "killed"):
        (tmp_path / name).mkdir()
        roots.append(with_real_models(copied(tmp_path / name)))
    calm, killed = roots
    answer = calm.snakemake("all")
    assert answer.status == 0, answer.text
    draw = random.Random(SEED)
    before: dict[str, float] = {}
    settled: dict[str, float] = {}
    started: list[subprocess.Popen[str]] = []
    try:
        for _ in range(KILLS):
            process = killed.start("all")
            started.append(process)
            end = time.monotonic() + draw.uniform(0.5, LONGEST_SECONDS)
            while process.poll() is None and time.monotonic() < end:
                time.sleep(0.05)
            if process.poll() is not None:
                break  # a run came to its end between two kills
            kill(process, draw)
            now = shards(killed)
            assert settled.items() <= now.items()  # nothing finished is done again
            # a shard that was there before a run and after it is one that Snakemake knows of
            settled = {name: written for name, written in now.items() if before.get(name) == written}
            before = now
        answer = killed.snakemake("all")
    finally:
        for process in started:  # jobs that outlive their coordinator
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert answer.status == 0, answer.text
    assert result_hashes(killed) == result_hashes(calm)
    assert not [path for path in killed.path.rglob("*.part*")]
    assert killed.dry_run("all").nothing_to_do


def kill(process: subprocess.Popen[str], draw: random.Random) -> None:
    """One of three ways: everything at once, the coordinator alone, or one of its jobs."""
    way = draw.choice(("all", "coordinator", "job"))
    if way == "job":
        children = [int(pid) for pid in descendants(process.pid)]
        if children:
            with suppress(ProcessLookupError):
                os.kill(draw.choice(children), signal.SIGKILL)
            process.wait(timeout=600)  # the coordinator sees it, lets the other jobs end and stops
            return
    if way == "coordinator":
        process.kill()
        process.wait()
        return
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def descendants(pid: int) -> list[str]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    direct = listed.stdout.split()
    return direct + [each for child in direct for each in descendants(int(child))]


def shards(root: Root) -> dict[str, float]:
    """Finished shards and when they were written: those whose manifest is there."""
    folder = root.path / "results" / "smoke" / "synthesis"
    return {str(path): path.stat().st_mtime for path in folder.glob("*/*.tar") if path.with_suffix(".json").exists()}
