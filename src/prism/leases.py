"""GPUs of one machine, lent to one job each.

Snakemake counts GPUs but hands out none, so that two jobs would meet on the first. A lease is a lock on one
file per GPU; the kernel frees it when the last process that holds it is gone, however that process ended:
nothing is left to clean up, and a GPU that an orphan still uses stays taken. The lock files need a local file
system.
"""

from __future__ import annotations

import math
import os
import random
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from prism.errors import PrismError
from prism.events import in_run_s_allocation
from prism.locks import open_lock, try_lock

_POLL_SECONDS = (0.2, 0.5)


def run_leased(gpus: int, command: list[str], *, timeout_seconds: float = math.inf) -> NoReturn:
    """Become ``command``, with ``gpus`` GPUs of its own in CUDA_VISIBLE_DEVICES; waits until they are free.

    A command that wants none sees none. Only runs the command where there is nothing to hand out: no GPU on this
    machine, in a SLURM job of its own (SLURM has chosen) or under another lease.

    Raises:
        PrismError: fewer GPUs than wanted on this machine, none free in time, or no such command.
    """
    environment = dict(os.environ)
    pool = device_ids(environment)
    chosen = "PRISM_LEASED_GPUS" in environment or "SLURM_JOB_ID" in environment and not in_run_s_allocation()
    if gpus > 0 and pool and not chosen:
        # One folder for all runs of a user, wherever each has its temporary files.
        root = Path(environment.get("PRISM_LEASES", f"/tmp/prism-gpus-{os.getuid()}"))
        held = ",".join(acquire(gpus, pool, root, timeout_seconds=timeout_seconds))
        environment |= {
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
            "CUDA_VISIBLE_DEVICES": held,
            "PRISM_LEASED_GPUS": held,
        }
    if gpus == 0 and "PRISM_LEASED_GPUS" not in environment:
        environment["CUDA_VISIBLE_DEVICES"] = ""  # else it would share the first one with the job that has leased it
    try:
        os.execvpe(command[0], command, environment)  # the same process: signals and the exit status pass through
    except FileNotFoundError:
        raise PrismError(f"lease: {command[0]}: no such command") from None


def device_ids(environment: Mapping[str, str]) -> list[str]:
    """The GPUs that this run may use: CUDA_VISIBLE_DEVICES, or all that the driver lists; maybe none."""
    listed = environment.get("CUDA_VISIBLE_DEVICES")
    if listed is None:
        if shutil.which("nvidia-smi") is None:
            return []
        query = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
        answer = subprocess.run(query, capture_output=True, text=True, check=False)
        listed = ",".join(answer.stdout.split()) if answer.returncode == 0 else ""
    return [name.strip() for name in listed.split(",") if name.strip() and name.strip() != "-1"]


def _lock_names(pool: list[str]) -> dict[str, str]:
    """The name of each GPU's lock: its UUID where the driver tells it, so that 0 and GPU-5a… are one and the same."""
    names = {name: name for name in pool}
    if any(name.isdigit() for name in pool) and shutil.which("nvidia-smi") is not None:
        query = ["nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader"]
        answer = subprocess.run(query, capture_output=True, text=True, check=False)
        known = dict(line.split(", ") for line in answer.stdout.splitlines() if line.count(", ") == 1)
        names |= {name: known[name] for name in pool if name in known}
    return names


def acquire(gpus: int, pool: list[str], root: Path, *, timeout_seconds: float) -> list[str]:
    """Lock ``gpus`` of ``pool`` by files in ``root`` for as long as this process and its children live.

    Raises:
        PrismError: the pool is smaller than that, or too few became free in time.
    """
    import fcntl  # absent on Windows

    if gpus > len(pool):
        raise PrismError(f"lease: asked for {gpus} GPUs, but this run has {len(pool)} ({', '.join(pool)})")
    root.mkdir(parents=True, exist_ok=True)
    locks = _lock_names(pool)
    end = time.monotonic() + timeout_seconds
    while True:
        held: dict[str, int] = {}
        # all or none, under one gate, so that two jobs that want several cannot wait for each other
        gate = os.open(root / "gate", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(gate, fcntl.LOCK_EX)
        for name in pool:
            if len(held) < gpus and (lock := _try_lock(root / f"{locks[name]}.lock")) is not None:
                held[name] = lock
        if len(held) < gpus:
            for lock in held.values():
                os.close(lock)
        os.close(gate)
        if len(held) == gpus:
            return list(held)
        if time.monotonic() > end:
            raise PrismError(f"lease: no {gpus} free of {len(pool)} GPUs within {timeout_seconds:g} seconds")
        time.sleep(random.uniform(*_POLL_SECONDS))


def _try_lock(path: Path) -> int | None:
    lock = open_lock(path)
    if not try_lock(lock):
        os.close(lock)
        return None
    os.set_inheritable(lock, True)  # the command keeps the lease
    return lock
