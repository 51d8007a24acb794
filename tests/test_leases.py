from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prism.errors import PrismError
from prism.leases import acquire, device_ids

LAUNCHER = "import sys; from prism.leases import run_leased; run_leased(1, sys.argv[1:], timeout_seconds=20)"
SHOW = "import os; print(os.environ.get('CUDA_VISIBLE_DEVICES'), flush=True); input()"


def start(folder: Path, **variables: str) -> subprocess.Popen[str]:
    source = str(Path(__file__).resolve().parents[1] / "src")
    inherited = {name: value for name, value in os.environ.items() if name != "SLURM_JOB_ID"}
    environment = inherited | {
        "PYTHONPATH": source,
        "PRISM_LEASES": str(folder),
        "CUDA_VISIBLE_DEVICES": "4,7",
    }
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, sys.executable, "-c", SHOW],
        env=environment | variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def shown(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_jobs_get_gpus_of_their_own_and_a_killed_one_gives_it_back(tmp_path):
    first, second = start(tmp_path), start(tmp_path)
    third = None
    try:
        ids = [shown(first), shown(second)]
        assert sorted(ids) == ["4", "7"]
        third = start(tmp_path)
        time.sleep(0.3)
        first.kill()
        assert shown(third) == ids[0]
    finally:
        for process in filter(None, (first, second, third)):
            process.kill()
            process.communicate()


def test_a_job_that_wants_no_gpu_sees_none(tmp_path):
    """On the first one it would be beside the job that has leased it."""
    command = [sys.executable, "-c", "import os; print('sees', os.environ['CUDA_VISIBLE_DEVICES'])"]
    launcher = [sys.executable, "-c", LAUNCHER.replace("run_leased(1", "run_leased(0"), *command]
    environment = {
        name: value for name, value in os.environ.items() if name not in ("SLURM_JOB_ID", "PRISM_LEASED_GPUS")
    }
    environment |= {"PYTHONPATH": str(Path(__file__).resolve().parents[1] / "src"), "PRISM_LEASES": str(tmp_path)}
    answer = subprocess.run(launcher, env=environment | {"CUDA_VISIBLE_DEVICES": "4,7"}, capture_output=True, text=True)
    assert answer.stdout.split() == ["sees"]


def test_in_an_allocation_of_the_user_jobs_get_gpus_of_their_own_too(tmp_path):
    """As `salloc --gpus=2` and a run without the profile: all its jobs are of one SLURM job."""
    processes = [start(tmp_path, SLURM_JOB_ID="1", PRISM_RUN_SLURM_JOB="1") for _ in range(2)]
    try:
        assert sorted(map(shown, processes)) == ["4", "7"]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_a_gpu_is_the_same_by_its_number_and_by_its_name(tmp_path, monkeypatch):
    driver = tmp_path / "bin" / "nvidia-smi"
    driver.parent.mkdir()
    driver.write_text("#!/bin/sh\necho '0, GPU-aa'\necho '1, GPU-bb'\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", f"{driver.parent}:{os.environ['PATH']}")
    root = tmp_path / "leases"
    assert acquire(1, ["GPU-aa"], root, timeout_seconds=1) == ["GPU-aa"]
    with pytest.raises(PrismError, match="no 1 free of 1 GPUs"):
        acquire(1, ["0"], root, timeout_seconds=0.5)
    assert acquire(1, ["0", "1"], root, timeout_seconds=1) == ["1"]


def test_slurm_has_chosen_already(tmp_path):
    process = start(tmp_path, SLURM_JOB_ID="1")
    assert shown(process) == "4,7"
    process.communicate("\n")
    assert not list(tmp_path.iterdir())


def test_more_gpus_than_there_are_is_an_error(tmp_path):
    with pytest.raises(PrismError, match="asked for 3 GPUs, but this run has 2"):
        acquire(3, ["0", "1"], tmp_path, timeout_seconds=1)


@pytest.mark.parametrize(("visible", "ids"), [("0, 1", ["0", "1"]), ("", []), ("-1", [])])
def test_the_pool_is_what_the_run_may_see(visible, ids):
    assert device_ids({"CUDA_VISIBLE_DEVICES": visible}) == ids
