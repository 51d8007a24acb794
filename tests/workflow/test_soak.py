"""Killed again and again at random moments, the same command ends in the same bytes as a run that nothing disturbs.

PRISM_SOAK_KILLS is the number of kills (6), over as many whole runs as it takes: each one that gets to its end is
compared, and the next begins from nothing. A hundred take about an hour on two cores.
"""

from __future__ import annotations

import base64
import math
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from .conftest import Root, copied, result_hashes, with_real_models

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("PRISM_SOAK_KILLS", "6"))
SEED = int(os.environ.get("PRISM_SOAK_SEED", "0"))
LONGEST_SECONDS = 40.0


def test_runs_killed_at_random_end_in_the_same_bytes(tmp_path):
    calm = fresh(tmp_path / "calm")
    answer = calm.snakemake("all")
    assert answer.status == 0, answer.text
    wanted, draw, kills, runs = result_hashes(calm), random.Random(SEED), 0, 0
    while kills < KILLS:
        killed = fresh(tmp_path / f"killed-{runs}")
        done = to_the_end(killed, draw, KILLS - kills)
        assert result_hashes(killed) == wanted
        # what a kill leaves of a file that was being written is hidden, and in nobody's way
        assert not [path for path in killed.path.rglob("*.part*") if not path.name.startswith(".")]
        assert killed.dry_run("all").nothing_to_do
        shutil.rmtree(killed.path)
        kills, runs = kills + done, runs + 1
        print(f"{kills} kills in {runs} runs, all results equal", flush=True)


def fresh(folder: Path) -> Root:
    folder.mkdir()
    return with_real_models(copied(folder))


def to_the_end(root: Root, draw: random.Random, most: int) -> int:
    """Start the run again and again, killed up to ``most`` times, until it is done; how often it was killed."""
    settled: dict[str, float] = {}
    started: list[subprocess.Popen[str]] = []
    kills = 0
    try:
        while True:
            process = root.start("all")
            started.append(process)
            end = time.monotonic() + (draw.uniform(0.5, LONGEST_SECONDS) if kills < most else math.inf)
            said = Reader(process)
            while process.poll() is None and time.monotonic() < end:
                time.sleep(0.05)
            if process.poll() is not None:
                assert process.returncode == 0, said.text()
                return kills
            kill(process, draw)
            kills += 1
            now = shards(root)
            assert settled.items() <= now.items()  # nothing finished is done again
            settled = now
    finally:
        for process in started:  # jobs that outlive their coordinator
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


class Reader:
    """Takes what a process says, so that it never waits for a reader."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines: list[str] = []
        self._thread = threading.Thread(target=lambda: self._lines.extend(process.stdout), daemon=True)
        self._thread.start()

    def text(self) -> str:
        self._thread.join(timeout=10)
        return "".join(self._lines)


def kill(process: subprocess.Popen[str], draw: random.Random) -> None:
    """One of three ways: everything at once, the coordinator alone, or one of its jobs."""
    way = draw.choice(("all", "coordinator", "job"))
    if way == "job":
        children = [int(pid) for pid in descendants(process.pid)]
        if children:
            with suppress(ProcessLookupError):
                os.kill(draw.choice(children), signal.SIGKILL)
            process.wait(timeout=1800)  # the coordinator sees it, lets the other jobs end and stops
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
    """Finished shards and when they were written: those whose manifest is there, and that Snakemake knows as finished.

    It does a moment after the job has ended; what it still marks as incomplete is made anew, and rightly.
    """
    folder, marks = root.path / "results" / "smoke" / "synthesis", root.path / ".snakemake" / "incomplete"

    def marked(path: Path) -> bool:
        return (marks / base64.urlsafe_b64encode(str(path.relative_to(root.path)).encode()).decode()).exists()

    whole = [path for path in folder.glob("*/*.tar") if path.with_suffix(".json").exists() and not marked(path)]
    return {str(path): path.stat().st_mtime for path in whole}
