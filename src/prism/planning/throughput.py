"""How fast stages are: measured on this experiment's finished jobs, or read from a table of other measurements."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prism.artifacts import read_json
from prism.config.names import hint
from prism.errors import DataError
from prism.planning.work import UNITS, Job

COLUMNS = ("hardware", "stage", "of", "size_px", "per_second", "bytes_per_image", "source")

# of a stage, what its throughput depends on, side of the images in pixels
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Rate:
    """Units per second of one job (see ``work.UNITS``) and bytes of an image on the disk, where known."""

    per_second: float
    bytes_per_image: float | None
    source: str


def read_throughputs(path: Path) -> dict[str, dict[Key, Rate]]:
    """Read a table of throughputs, a CSV file with the columns ``COLUMNS``: rates by hardware and key.

    Of rows of one key the last counts, so that new measurements can be added at the end.

    Raises:
        DataError: the file is missing, lacks a column, names an unknown stage, or a number in it is none;
            the message has the line.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise DataError(f"{path}: its columns should be {','.join(COLUMNS)}")
            lines = list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
    found: dict[str, dict[Key, Rate]] = defaultdict(dict)
    for number, line in enumerate(lines, start=2):
        where = f"{path}, line {number}"
        if line["stage"] not in UNITS:
            raise DataError(f"{where}: stage {line['stage']!r} is unknown; {hint(str(line['stage']), UNITS)}")
        size_px = int(_number(where, "size_px", line["size_px"]))
        key = (line["stage"], line["of"], size_px)
        size = line["bytes_per_image"]
        per_second = _number(where, "per_second", line["per_second"])
        if per_second == 0:
            raise DataError(f"{where}: per_second should be above 0")
        bytes_per_image = _number(where, "bytes_per_image", size) if size else None
        found[line["hardware"]][key] = Rate(per_second, bytes_per_image, line["source"] or "")
    return dict(found)


def measured(jobs: Iterable[Job]) -> dict[Key, Rate]:
    """Rates of finished jobs, from the seconds that they recorded; jobs of one key are taken together.

    Raises:
        DataError: the file of a finished job is damaged.
    """
    units: dict[Key, float] = defaultdict(float)
    seconds: dict[Key, float] = defaultdict(float)
    sizes: dict[Key, float] = defaultdict(float)
    for job in jobs:
        facts = read_json(job.facts) if job.done else {}
        spent = facts.get("run", {}).get("seconds")
        if not spent:
            continue
        key = (job.stage, job.of, job.size_px)
        units[key] += _units(job, facts)
        seconds[key] += spent
        sizes[key] += facts.get("details", {}).get("bytes", 0)
    return {
        key: Rate(units[key] / seconds[key], sizes[key] / units[key] if sizes[key] else None, "this experiment")
        for key in units
    }


def _units(job: Job, facts: Mapping[str, Any]) -> float:
    """What a finished job did, as it recorded it: the configuration may ask for more or less by now."""
    if job.stage in ("tokens", "synthesis"):
        return float(facts.get("count") or job.units)
    return (facts["run"].get("images_per_second") or 0) * facts["run"]["seconds"] or float(job.units)


@dataclass(frozen=True)
class Estimator:
    """Rates to plan with: first those of this experiment, then those of the chosen hardware.

    An image that the text-to-image model draws by a method not measured on that hardware is scaled from the
    unguided one, by the ratio of the two where both were measured.
    """

    here: Mapping[Key, Rate]
    table: Mapping[Key, Rate]
    elsewhere: tuple[Mapping[Key, Rate], ...]
    unguided: str
    drawn: frozenset[str]

    def rate(self, job: Job) -> Rate | None:
        """The rate of a job, None where nothing is known."""
        key = (job.stage, job.of, job.size_px)
        known = self.here.get(key) or self.table.get(key)
        if known or job.stage != "synthesis" or job.of not in self.drawn:
            return known
        base = ("synthesis", self.unguided, job.size_px)
        start = self.here.get(base) or self.table.get(base)
        for other in (self.here, self.table, *self.elsewhere):
            if start is None:
                break
            for stage, of, size_px in other:
                unguided = other.get(("synthesis", self.unguided, size_px))
                if (stage, of) == ("synthesis", job.of) and unguided:
                    ratio = other[stage, of, size_px].per_second / unguided.per_second
                    source = f"scaled from {self.unguided} by the ratio at {size_px} px"
                    return Rate(start.per_second * ratio, start.bytes_per_image, source)
        return None


def _number(where: str, column: str, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise DataError(f"{where}: {column} is {text!r}, which is no number of 0 or more")
    return value
