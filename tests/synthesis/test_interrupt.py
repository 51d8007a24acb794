"""Ctrl-C at a rule's command: all its processes end, nothing is half-written, and the same command finishes."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from prism.artifacts import progress_dir, verify
from prism.data.shards import manifest_path

from ..processes import ended_after, started


@pytest.fixture
def output(tmp_path):
    return tmp_path / "results" / "x" / "synthesis" / "vanilla" / "shard-0000.tar"


@pytest.fixture
def start(config, prompt_file, output, tmp_path, project_root):
    """Start the command of the rule ``synthesize`` in a session of its own: ten batches, some seconds."""
    slow = config.diffusion.model_copy(update={"steps": 20, "batch": 1})
    resolved = tmp_path / "config.json"
    resolved.write_text(json.dumps(config.model_copy(update={"diffusion": slow}).dump()))
    python = [sys.executable, "scripts/synthesis.py", "--config", str(resolved), "--method", "vanilla"]
    python += ["--shard", "0", "--prompts", str(prompt_file), "--output", str(output)]
    return lambda: started(
        [sys.executable, "scripts/lease.py", "--gpus", "0", "--", *python],
        cwd=project_root,
        env=os.environ | {"PYTHONPATH": str(project_root / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finished_batches(output):
    return sorted(progress_dir(output).rglob("batch-*.npz"))


def test_an_interrupted_command_leaves_whole_batches_alone_and_finishes_when_run_again(start, output, tmp_path):
    with ended_after(start()) as process:
        while process.poll() is None and not finished_batches(output):
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
        _, told = process.communicate(timeout=120)
        assert process.returncode == 130, told
        assert told.endswith("error: interrupted\n") and "Traceback" not in told
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    kept = finished_batches(output)
    assert kept and kept == sorted(
        path
        for folder in (output.parent, progress_dir(output))
        for path in folder.rglob("*")
        if path.is_file() and path.name != "seconds"
    )
    again = start()
    _, told = again.communicate(timeout=300)
    assert again.returncode == 0, told
    assert verify(manifest_path(output)).count == 10
    assert not progress_dir(output).exists()
