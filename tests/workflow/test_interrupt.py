"""Snakemake interrupted or killed: no half output and no job stays, and the same command then finishes."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from ..processes import ended_after
from .conftest import copied, with_models

# In place of a real program: writes its first output, is half through its second, and waits unless told not to.
STAND_IN = """
import sys, time
from pathlib import Path
from prism.artifacts import atomic_path, write_json
from prism.cli import run

def main():
    output = Path(sys.argv[sys.argv.index("--output") + 1])
    write_json(output.with_suffix(".json"), {})
    with atomic_path(output) as temporary:
        temporary.write_text("half")
        Path("started").touch()
        time.sleep(0 if Path("quick").exists() else 600)

run(main)
"""


@pytest.fixture
def place(tmp_path):
    made = with_models(copied(tmp_path))
    (tmp_path / "scripts" / "prompts.py").write_text(STAND_IN, encoding="utf-8")
    return made


def test_an_interrupted_run_leaves_neither_processes_nor_half_outputs_and_can_be_run_again(place):
    with ended_after(place.start("prompts")) as process:
        while process.poll() is None and not (place.path / "started").exists():
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
        told, _ = process.communicate(timeout=120)
        assert process.returncode != 0
        assert "Traceback" not in told
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    folder = place.path / "results" / "smoke" / "prompts"
    left = [path.name for path in folder.rglob("*") if path.is_file()]
    assert all(name.endswith(".json") for name in left)  # an output that was whole may stay: it is made anew
    (log,) = (place.path / "results" / "smoke" / "logs" / "prompts").glob("*.log")
    assert log.read_text(encoding="utf-8") == "error: interrupted\n"
    (place.path / "quick").touch()
    answer = place.snakemake("prompts")
    assert answer.status == 0, answer.text
    assert len(list(folder.glob("*.jsonl"))) == 2


def test_after_a_kill_the_same_command_stops_the_orphan_and_finishes(place):
    folder = place.path / "results" / "smoke"
    with ended_after(place.start("prompts")) as process:
        while process.poll() is None and not (place.path / "started").exists():
            time.sleep(0.05)
        second = place.snakemake("prompts")
        assert second.status != 0
        assert f"another run is at work on it (process {process.pid} on " in second.text
        assert "Traceback" not in second.text
        process.kill()
        process.wait()
        (record,) = folder.rglob("*.job")
        orphan = json.loads(record.read_text(encoding="utf-8"))["pid"]
        os.kill(orphan, 0)  # its job goes on
        (place.path / "quick").touch()
        answer = place.snakemake("prompts")
        assert answer.status == 0, answer.text
        with pytest.raises(ProcessLookupError):
            os.kill(orphan, 0)
    assert len(list((folder / "prompts").glob("*.jsonl"))) == 2
