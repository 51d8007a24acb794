"""The plan of an experiment as text: for each method what it takes and what is left, and which numbers are guesses."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from prism.config import Config
from prism.config.names import hint
from prism.errors import ConfigError
from prism.planning.throughput import Estimator, Rate, measured, read_throughputs
from prism.planning.work import UNITS, Job, jobs_of, label_bytes, shared_jobs

UNGUIDED = "vanilla"


@dataclass(frozen=True)
class Line:
    """One line of the plan.

    ``unknown`` are the stages of which some work has no known throughput; ``unsized`` says whether some images have no
    known size.
    """

    name: str
    images: int
    jobs: int
    done: int
    hours: dict[str, float]
    unknown: frozenset[str]
    left: float
    gigabytes: float
    unsized: bool


def plan_text(
    config: Config, classes: int, throughputs: Path, hardware: str | None = None, results: str | None = None
) -> str:
    """The plan as lines of text.

    Args:
        config: the configuration.
        classes: number of classes.
        throughputs: table of throughputs (docs/throughput.csv).
        hardware: whose rows to plan with; None takes what knows most of the work.
        results: the folder of results; results/<experiment> if None.

    Raises:
        ConfigError: the table has no such hardware. DataError: the table, or a finished job's file, is damaged.
    """
    shared = list(shared_jobs(config, classes, results))
    own = {method: list(jobs_of(config, method, classes, results)) for method in config.run}
    every = [*shared, *(job for jobs in own.values() for job in jobs)]
    known = read_throughputs(throughputs)
    here = measured(every)
    chosen = _chosen(known, hardware, every)
    drawn = frozenset(name for name in config.run if config.methods[name].engine == "diffusion")
    table = known.get(chosen, {}) if chosen else {}
    estimator = Estimator(here, table, tuple(known.values()), UNGUIDED, drawn)
    lines = []
    if shared:
        lines.append(_line("prompts, tokens", 0, shared, estimator, 0))
    for method, jobs in own.items():
        images = sum(job.units for job in jobs if job.stage == "synthesis")
        lines.append(_line(config.label(method), images, jobs, estimator, label_bytes(config, method, classes)))
    total = _total(lines)
    return "\n".join([*_table([*lines, total]), "", *_notes(every, estimator, chosen)])


def _chosen(known: dict[str, dict], hardware: str | None, jobs: Sequence[Job]) -> str | None:
    if hardware is not None and hardware not in known:
        raise ConfigError(f"config: plan.hardware: {hardware} has no measured throughput; {hint(hardware, known)}")
    keys = {(job.stage, job.of, job.size_px) for job in jobs if job.stage != "prompts"}  # the least of the work
    best = max(known, key=lambda name: len(keys & known[name].keys()), default=None)
    return hardware or (best if best and keys & known[best].keys() else None)


def _line(name: str, images: int, jobs: Sequence[Job], estimator: Estimator, labels: int) -> Line:
    hours: dict[str, float] = {}
    unknown, left, size, unsized = set(), 0.0, float(labels), False
    for job in jobs:
        rate = estimator.rate(job)
        spent = 0.0 if rate is None else job.units / rate.per_second / 3600
        hours[job.stage] = hours.get(job.stage, 0.0) + spent
        left += 0.0 if job.done else spent
        if rate is None:
            unknown.add(job.stage)
        if job.stage == "synthesis":
            size += job.units * _bytes(rate)
            unsized |= not _bytes(rate)
    done = sum(job.done for job in jobs)
    return Line(name, images, len(jobs), done, hours, frozenset(unknown), left, size / 1e9, unsized)


def _bytes(rate: Rate | None) -> float:
    """Of an image; 0 where nobody knows."""
    return (rate.bytes_per_image if rate else None) or 0.0


def _total(lines: Sequence[Line]) -> Line:
    hours: dict[str, float] = {}
    for line in lines:
        for stage, value in line.hours.items():
            hours[stage] = hours.get(stage, 0.0) + value
    images, jobs, done = (sum(counts) for counts in zip(*((x.images, x.jobs, x.done) for x in lines), strict=True))
    left, size = (sum(values) for values in zip(*((line.left, line.gigabytes) for line in lines), strict=True))
    unknown = frozenset().union(*(line.unknown for line in lines))
    return Line("all", images, jobs, done, hours, unknown, left, size, any(line.unsized for line in lines))


def _table(lines: Sequence[Line]) -> list[str]:
    stages = [stage for stage in UNITS if any(stage in line.hours for line in lines)]
    rows = [["method", "images", "done", *stages, "hours", "left", "GB"]]
    for line in lines:
        more = "+" if line.unknown else ""
        images = f"{line.images:,}" if line.images else ""
        disk = _number(line.gigabytes) + "+" * line.unsized if line.gigabytes or not line.unsized else "?"
        sums = [_number(sum(line.hours.values())) + more, _number(line.left) + more, disk]
        hours = [_hours(line, stage) for stage in stages]
        rows.append([line.name, images, f"{line.done:,} of {line.jobs:,}", *hours, *sums])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    drawn = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
    ruler = "-" * len(drawn[0])
    return [drawn[0], ruler, *drawn[1:-1], ruler, drawn[-1]]


def _hours(line: Line, stage: str) -> str:
    value = line.hours.get(stage)
    if value is None:
        return ""
    if stage not in line.unknown:
        return _number(value)
    return _number(value) + "+" if value else "?"


def _number(value: float) -> str:
    if 0 < value < 0.01:
        return "<0.01"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _notes(jobs: Iterable[Job], estimator: Estimator, chosen: str | None) -> list[str]:
    """What the hours are, and which of them rest on what."""
    found: dict[str, dict[str, list[str]]] = {}
    unsized: dict[str, None] = {}
    for job in jobs:
        rate = estimator.rate(job)
        if job.stage == "synthesis" and not _bytes(rate):
            unsized[job.of] = None
        names = found.setdefault(rate.source if rate else "", {}).setdefault(job.stage, [])
        if job.of not in names:
            names.append(job.of)
    said = {source: "; ".join(f"{stage}: {', '.join(of)}" for stage, of in of.items()) for source, of in found.items()}
    unknown = said.pop("", None)
    notes = [
        "Hours of a job's GPU, or of its cores without one; as many jobs at once as there is room for. Scoring on",
        "other domains, tables and figures are not counted. A job is done if its results are there; snakemake -n",
        "tells whether they are up to date.",
        f"Throughputs: those of this experiment where it has finished jobs, else those of {chosen or 'no hardware'}.",
    ]
    notes += [f"- {source}: {what}" for source, what in sorted(said.items())]
    if unknown:
        notes.append(f"- not known, and left out of the sums (+): {unknown}. One finished job of a kind is enough.")
    if unsized:
        notes.append(f"- images of unknown size, left out of the gigabytes (+): {', '.join(unsized)}.")
    return notes


def measured_rows(config: Config, classes: int, hardware: str, results: str | None = None) -> str:
    """Throughputs of an experiment's finished jobs, as lines for the table of throughputs.

    Args:
        config: the configuration.
        classes: number of classes.
        hardware: what the rows say the hardware is.
        results: the folder of results; results/<experiment> if None.
    """
    jobs = [*shared_jobs(config, classes, results)]
    for method in config.run:
        jobs += jobs_of(config, method, classes, results)
    source = f"measured: {config.experiment}"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for (stage, of, size_px), rate in measured(jobs).items():
        size = "" if rate.bytes_per_image is None else f"{rate.bytes_per_image:.0f}"
        writer.writerow([hardware, stage, of, size_px, f"{rate.per_second:.4g}", size, source])
    return text.getvalue().rstrip("\n")
