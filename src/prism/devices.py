"""Where the work runs: device, precision, threads, and the facts about the machine that manifests record."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from prism.errors import ConfigError

_RECORDED_PACKAGES = ("torch", "diffusers", "transformers", "timm", "numpy", "pillow", "safetensors")
_BYTES_PER_MB = 1 << 20


def pick_device(device: str = "auto") -> torch.device:
    """The device for ``auto`` (CUDA if there is one), ``cpu`` or ``cuda``.

    Raises:
        ConfigError: the name is unknown, or CUDA is asked for and not there.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"device: {device!r} is unknown; it may be auto, cpu or cuda")
    # torch lets convolutions on Ampere and later GPUs drop 13 bits of fp32; results would differ from a CPU's.
    torch.backends.cudnn.allow_tf32 = False
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise ConfigError("device: cuda is asked for, but torch sees no CUDA device; use auto or cpu")
    return torch.device("cuda" if available and device != "cpu" else "cpu")


def pick_precision(precision: str, device: torch.device) -> torch.dtype:
    """The data type for ``auto``, ``fp32`` or ``bf16``.

    ``auto`` is bf16 on CUDA devices that multiply it natively and fp32 elsewhere: on CPUs fp32 gives the same
    images on every machine, whatever its batch.

    Raises:
        ConfigError: the name is unknown.
    """
    if precision not in ("auto", "fp32", "bf16"):
        raise ConfigError(f"precision: {precision!r} is unknown; it may be auto, fp32 or bf16")
    if precision == "auto":
        precision = "bf16" if _native_bf16(device) else "fp32"
    return torch.bfloat16 if precision == "bf16" else torch.float32


def _native_bf16(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def available_cores() -> int:
    """Number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_threads(threads: int | None = None) -> int:
    """Let torch use ``threads`` threads, and return their number.

    None takes as many as OMP_NUM_THREADS says, which Snakemake sets to those of the rule, else all the cores of this
    process.

    Raises:
        ConfigError: fewer than one thread.
    """
    if threads is not None and threads < 1:
        raise ConfigError(f"threads_per_job: {threads} is too few; it must be at least 1")
    if threads is None:
        given = os.environ.get("OMP_NUM_THREADS", "")
        threads = int(given) if given.isdigit() and int(given) > 0 else available_cores()
    torch.set_num_threads(threads)
    return threads


def reset_peak_memory() -> None:
    """Start the measurement of :func:`peak_memory_mb` anew (on CUDA; the CPU's is of the whole process)."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory_mb(device: torch.device | None = None) -> float:
    """Most memory in use so far, in MiB: of tensors on a CUDA device, else of this whole process."""
    if device is not None and device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / _BYTES_PER_MB, 1)
    try:
        import resource  # absent on Windows
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB on Linux
    return round(peak * unit / _BYTES_PER_MB, 1)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results may depend on; absent packages are left out."""
    found = {"python": platform.python_version()}
    for package in _RECORDED_PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine_facts(device: torch.device | None = None) -> dict[str, Any]:
    """What the machine is: system, CPU, cores, and for CUDA the device, its memory in MiB and the version."""
    facts: dict[str, Any] = {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_name(),
        "cores": available_cores(),
        "threads": torch.get_num_threads(),
    }
    if device is not None and device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        facts |= {
            "gpu": properties.name,
            "gpu_memory_mb": properties.total_memory // _BYTES_PER_MB,
            "cuda": torch.version.cuda,
        }
    return facts


def arithmetic(device: torch.device, dtype: torch.dtype) -> str:
    """What a network's results depend on beside its weights and inputs, as ``cuda bfloat16``: unfinished work is taken
    up on the same alone.
    """
    return f"{device.type} {str(dtype).removeprefix('torch.')}"


def run_facts(
    seconds: float, images: int, device: torch.device | None = None, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """The ``run`` section of a manifest: seconds, images_per_second, peak_memory_mb, versions and machine; arithmetic
    where a data type is given.
    """
    return {
        **({} if device is None or dtype is None else {"arithmetic": arithmetic(device, dtype)}),
        "seconds": round(seconds, 3),
        "images_per_second": round(images / seconds, 3) if seconds > 0 else None,
        "peak_memory_mb": peak_memory_mb(device),
        "versions": versions(),
        "machine": machine_facts(device),
    }


@lru_cache(maxsize=1)
def _cpu_name() -> str:
    """The CPU's name (Linux; elsewhere its architecture)."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
