"""The papers' own numbers, ``config/published/*.csv``: loaded and checked; none without a source."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from prism.errors import DataError

# found: read in the paper, its repository or its figure's table; second-hand: from a summary of the paper;
# chart: read off a plot by eye
MARKS = ("found", "second-hand", "chart")

REQUIRED = ("table", "method", "label", "dataset", "metric", "value", "paper", "file", "mark")


@dataclass(frozen=True)
class Published:
    """One published number. ``method`` is the name in ``config/methods.yaml`` where there is one.

    ``teacher`` and ``student`` are blank where the source does not say. Accuracies are in per cent, precision
    and recall are shares, as printed there. ``budget`` is the number of images or steps, where stated.
    """

    table: str
    method: str
    label: str
    dataset: str
    teacher: str
    student: str
    metric: str
    value: float
    budget: str
    paper: str
    table_or_figure: str
    file: str
    mark: str
    note: str

    @property
    def text(self) -> str:
        """The number with its mark: ``≈`` before one read off a chart, ``†`` after one from a summary."""
        before, after = {"found": ("", ""), "chart": ("≈", ""), "second-hand": ("", "†")}[self.mark]
        return f"{before}{self.value:.2f}{after}"


@dataclass(frozen=True)
class Setting:
    """Which published numbers to put beside ours."""

    dataset: str
    teacher: str
    student: str

    @property
    def text(self) -> str:
        """``ImageNet-1K, ResNet-34 → ResNet-18``."""
        return f"{self.dataset}, {self.teacher} → {self.student}"


DEFAULT_SETTING = Setting("ImageNet-1K", "ResNet-34", "ResNet-18")


def load_published(path: Path) -> list[Published]:
    """Load one CSV file, or every one in a folder in the order of their names.

    Raises:
        DataError: a column is missing, a mark unknown, a value no number, a row without a source or given
            twice; the message names file and line.
    """
    path = Path(path)
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path}: no CSV file with published numbers in this folder")
    rows: list[Published] = []
    seen: dict[tuple[str, ...], str] = {}
    for file in files:
        for line, row in _read(file):
            # a quoted number may stand in several papers, so the source is part of what must not repeat
            key = (
                row.table,
                row.method,
                row.dataset,
                row.teacher,
                row.student,
                row.metric,
                row.budget,
                row.file,
            )
            if key in seen:
                raise DataError(f"{file}:{line}: repeats the number of {seen[key]}; remove one of them")
            seen[key] = f"{file}:{line}"
            rows.append(row)
    return rows


def _read(path: Path) -> Iterable[tuple[int, Published]]:
    names = [field.name for field in fields(Published)]
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            if reader.fieldnames != names:
                raise DataError(f"{path}: the columns are {reader.fieldnames}, expected {','.join(names)}")
            return [(reader.line_num, _checked(path, reader.line_num, row)) for row in reader]
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; tables.published names the published numbers") from None
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise DataError(f"{path}: not readable as CSV ({problem})") from None


def _checked(path: Path, line: int, row: dict[str, str]) -> Published:
    where = f"{path}:{line}"
    if None in row or None in row.values():
        raise DataError(f"{where}: has more or fewer fields than the header")
    for name in REQUIRED:
        if not row[name].strip():
            reason = "a number without a source is refused" if name in ("paper", "file", "mark") else "it is required"
            raise DataError(f"{where}: {name} is empty; {reason}")
    if row["mark"] not in MARKS:
        raise DataError(f"{where}: mark is {row['mark']!r}, expected one of {', '.join(MARKS)}")
    try:
        value = float(row["value"])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: value is {row['value']!r}, expected a number")
    return Published(**{name: text for name, text in row.items() if name != "value"}, value=value)


def quoted_label(row: Published) -> str:
    """A method's name as a row of its own shows it, where it was not run here."""
    return f"{row.label} (quoted)"


def find(rows: Iterable[Published], *, table: str, method: str, metric: str, setting: Setting) -> list[Published]:
    """The published numbers of one method in one setting, in the order of the files."""
    return [
        row
        for row in rows
        if (row.table, row.method, row.metric) == (table, method, metric)
        and (row.dataset, row.teacher, row.student) == (setting.dataset, setting.teacher, setting.student)
    ]
