"""kill -9 at any moment of a guided synthesis, then the same command: the bytes of a run that nothing disturbed."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from prism.artifacts import progress_dir, verify
from prism.data.shards import manifest_path

from ..processes import ended_after, started

KILLS = 5


@pytest.fixture
def start(config, prompt_file, tmp_path, project_root):
    """Start the command of the rule ``synthesize``, guided, in five batches."""
    slow = config.diffusion.model_copy(update={"steps": 20, "batch": 2})
    resolved = tmp_path / "config.json"
    resolved.write_text(json.dumps(config.model_copy(update={"diffusion": slow}).dump()))

    def start(output):
        command = [sys.executable, "scripts/synthesis.py", "--config", str(resolved), "--method", "prism"]
        command += ["--shard", "0", "--prompts", str(prompt_file), "--output", str(output)]
        return started(
            command,
            cwd=project_root,
            env=os.environ | {"PYTHONPATH": str(project_root / "src")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    return start


def finish(process, output):
    """sha256 of the shard that the command, undisturbed, ends with."""
    with ended_after(process):
        _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert verify(manifest_path(output)).count == 10
    assert not progress_dir(output).exists()
    return hashlib.sha256(output.read_bytes()).hexdigest()


@pytest.mark.slow
def test_a_shard_killed_at_random_moments_ends_in_the_same_bytes(start, tmp_path):
    undisturbed = tmp_path / "results" / "x" / "synthesis" / "undisturbed" / "shard-0000.tar"
    began = time.monotonic()
    wanted = finish(start(undisturbed), undisturbed)
    whole = time.monotonic() - began
    moments = random.Random(9)
    for kill in range(KILLS):
        output = tmp_path / "results" / "x" / "synthesis" / f"killed-{kill}" / "shard-0000.tar"
        process = start(output)
        time.sleep(moments.uniform(0.1, 0.95) * whole)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
        assert finish(start(output), output) == wanted


@pytest.mark.slow
def test_every_kill_keeps_the_batches_that_were_finished(start, tmp_path):
    """One kill after another on one shard, each as soon as there is one more batch: each costs one batch at most."""
    output = tmp_path / "results" / "x" / "synthesis" / "killed" / "shard-0000.tar"
    undisturbed = output.with_name("undisturbed.tar")
    wanted = finish(start(undisturbed), undisturbed)
    written = {}
    for batches in range(1, 4):
        process = start(output)
        kept = []
        while process.poll() is None and len(kept) < batches:
            time.sleep(0.01)
            kept = sorted(progress_dir(output).rglob("batch-*.npz"))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
        assert len(kept) >= batches
        assert all(written.get(path, path.stat().st_mtime_ns) == path.stat().st_mtime_ns for path in kept)
        written |= {path: path.stat().st_mtime_ns for path in kept}
    assert finish(start(output), output) == wanted
