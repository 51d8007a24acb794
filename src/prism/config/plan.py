"""Section ``plan``: which throughputs the cost of the experiment is estimated with."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from prism.config.base import Section


class PlanConfig(Section):
    """What `snakemake plan` reckons with; no result depends on it."""

    throughput: Path = Field(
        default=Path("docs/throughput.csv"), description="Table of measured throughputs, by hardware and stage."
    )
    hardware: str | None = Field(
        default=None, description="Hardware of that table; null for the one that knows most of the experiment's work."
    )
