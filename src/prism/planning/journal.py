"""What a run of the workflow did, stage by stage: its jobs, their time and memory, what was done again or rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from prism.events import read_events
from prism.planning.work import UNITS

_HEADER = ("stage", "jobs", "again", "failed", "time", "items", "items/s", "peak GB", "rejected", "warnings")


@dataclass
class StageSum:
    """Sums over the jobs of a stage.

    Attributes:
        jobs: that were started. again: further tries of them. failed: tries that ended with an error or were killed.
        seconds: of all tries together. items: images, prompts or views written, in ``writing`` seconds.
        peak_mb: the largest memory of a job. rejected: prompts that a language model wrote in vain, and images that
        were drawn again or not kept. warnings: that were logged.
    """

    jobs: int = 0
    again: int = 0
    failed: int = 0
    seconds: float = 0.0
    items: int = 0
    writing: float = 0.0
    peak_mb: float = 0.0
    rejected: Counter[str] = field(default_factory=Counter)
    warnings: int = 0


def stage_sums(logs: Path, run: str) -> dict[str, StageSum]:
    """The sums of one run, by stage, from the files of events in a folder of logs."""
    sums: dict[str, StageSum] = {}
    for path in sorted(Path(logs).rglob("*.jsonl")):
        events = list(read_events(path, run))
        if events:
            stage = path.relative_to(logs).with_suffix("").parts[0]
            _add(sums.setdefault(stage, StageSum()), events)
    return sums


def journal_text(logs: Path, run: str) -> str:
    """The same as a table of text, stages in the order of the workflow; empty where the run started no job."""
    sums = stage_sums(logs, run)
    order = [*(stage for stage in UNITS if stage in sums), *sorted(sums.keys() - set(UNITS))]
    rows = [_HEADER, *(_row(stage, sums[stage]) for stage in order)]
    if len(rows) == 1:
        return ""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    )


def _add(total: StageSum, events: Iterable[Mapping[str, Any]]) -> None:
    total.jobs += 1
    tries: list[list[Mapping[str, Any]]] = []
    for event in events:
        if event["event"] == "start" or not tries:
            tries.append([])
        tries[-1].append(event)
    total.again += len(tries) - 1
    for one in tries:
        end = one[-1] if one[-1]["event"] == "end" else None
        total.failed += end is None or end.get("status") != 0
        total.seconds += max(0.0, (_time(one[-1]) - _time(one[0])).total_seconds())  # a clock may be set back
        total.warnings += sum(event["event"] == "warning" for event in one)
        for event in one:
            if event["event"] == "wrote":
                _add_written(total, event)


def _add_written(total: StageSum, event: Mapping[str, Any]) -> None:
    total.items += event.get("count", 0)
    total.writing += event.get("seconds", 0.0)
    total.peak_mb = max(total.peak_mb, event.get("peak_memory_mb", 0.0))
    total.rejected["drawn again"] += event.get("redrawn", 0)
    total.rejected["not kept"] += event.get("candidates", 0) - event.get("kept", 0)
    total.rejected["prompts"] += sum(event.get("lines", {}).get("rejected", {}).values())


def _row(stage: str, total: StageSum) -> tuple[str, ...]:
    rate = total.items / total.writing if total.writing else 0.0
    rejected = ", ".join(f"{count:,} {what}" for what, count in total.rejected.items() if count)
    return (
        stage,
        str(total.jobs),
        str(total.again or ""),
        str(total.failed or ""),
        _duration(total.seconds),
        f"{total.items:,}" if total.items else "",
        f"{rate:.3g}" if rate else "",
        f"{total.peak_mb / 1024:.1f}" if total.peak_mb else "",
        rejected,
        str(total.warnings or ""),
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def _time(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["time"])
