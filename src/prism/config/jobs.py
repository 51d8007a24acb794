"""Section ``jobs``: what one job of each stage asks of the machine or of the cluster's scheduler."""

from __future__ import annotations

from pydantic import Field

from prism.config.base import Section


class JobConfig(Section):
    """One job of a stage. Memory and time are asked for again, times the attempt, where a job is tried again."""

    gpu: int | None = Field(default=None, ge=0, le=64, description="GPUs; null for one, or none with device cpu.")
    threads: int | None = Field(default=None, ge=1, le=256, description="CPU threads; null for threads_per_job.")
    mem_mb: int = Field(default=8000, ge=100, description="Main memory, in MB.")
    runtime: int = Field(default=120, ge=1, description="Longest run, in minutes.")
    partition: str | None = Field(
        default=None, min_length=1, description="Partition of the cluster; null for the one in its profile."
    )


def _job(mem_mb: int, runtime: int, gpu: int | None = None) -> JobConfig:
    return Field(default=JobConfig(gpu=gpu, mem_mb=mem_mb, runtime=runtime), description="One job of that stage.")


class JobsConfig(Section):
    """By stage; no result depends on it."""

    prompts: JobConfig = _job(8000, 120)
    tokens: JobConfig = _job(12000, 720)
    inversion: JobConfig = _job(8000, 120)
    synthesis: JobConfig = _job(12000, 720)
    evaluation: JobConfig = _job(16000, 120)
    relabelling: JobConfig = _job(16000, 720)
    distillation: JobConfig = _job(16000, 720)
    generalization: JobConfig = _job(8000, 60)
    pruning: JobConfig = _job(16000, 240)
    zoo: JobConfig = _job(8000, 720, gpu=0)  # trained on the CPU
