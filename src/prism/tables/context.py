"""What tables and figures need beside the numbers: names in their order, parts of methods, published rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from prism.config import ClaimConfig
from prism.errors import DataError
from prism.tables.published import DEFAULT_SETTING, Published, Setting
from prism.tables.render import Cell, summarize

REAL = "real"
PERCENT = 100.0


@dataclass(frozen=True)
class Context:
    """Plain data from the configuration.

    ``methods`` and ``students`` map names to labels, in the order of the tables; ``strategies`` maps a method
    to its prompts; ``parts`` maps it to those of ``config.asked.PARTS`` that it has, if it has nothing else;
    ``other_domains`` are those of ``domains`` that are not the teacher's own. ``images_per_class`` holds the
    distilled data sets, methods of a size of their own or with stored labels; ``families`` maps them to the name
    that they share with the same method at other sizes.
    """

    methods: Mapping[str, str] = field(default_factory=dict)
    students: Mapping[str, str] = field(default_factory=dict)
    domains: Sequence[str] = ()
    other_domains: Sequence[str] = ()
    strategies: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    class_names: Sequence[str] = ()
    claims: Mapping[str, ClaimConfig] = field(default_factory=dict)
    images_per_class: Mapping[str, int] = field(default_factory=dict)
    families: Mapping[str, str] = field(default_factory=dict)
    published: Sequence[Published] = ()
    setting: Setting = DEFAULT_SETTING

    def label(self, method: str) -> str:
        """A method's label for people, its name if it has none."""
        return self.methods.get(method) or method

    def student_label(self, student: str) -> str:
        """A student's label for people, its name if it has none."""
        return self.students.get(student) or student


def in_order(present: Iterable[str], order: Iterable[str]) -> list[str]:
    """``present`` without repeats: first those in ``order``, as there, then the others by name."""
    known = list(order)
    names = set(present)
    return [name for name in known if name in names] + sorted(names.difference(known))


def methods_of(frame: pd.DataFrame, context: Context) -> list[str]:
    """The methods of ``frame`` in the order of the configuration, training on real images first."""
    names = in_order(frame["method"], context.methods)
    return [name for name in names if name == REAL] + [name for name in names if name != REAL]


def cell(frame: pd.DataFrame, *, scale: float = 1.0) -> Cell | None:
    """Mean and standard deviation of the values in ``frame``, or None if it is empty."""
    return summarize(frame["value"].tolist(), scale=scale) if len(frame) else None


def teacher_score(frame: pd.DataFrame) -> Cell | None:
    """The teacher's accuracy in %, which all results of ``frame`` state; None if none does.

    One image of the test set may flip between devices and sizes of a batch.

    Raises:
        DataError: two results differ by more, so that they are of different teachers or test sets.
    """
    teacher = frame[frame["metric"] == "teacher_accuracy"]
    if teacher.empty:
        return None
    tested = frame[frame["metric"] == "n_test"]["value"].max()
    lowest, highest = teacher.loc[teacher["value"].idxmin()], teacher.loc[teacher["value"].idxmax()]
    if highest["value"] - lowest["value"] > (1.5 / tested if tested > 0 else 1.5e-4):
        raise DataError(
            f"{lowest['source']} and {highest['source']}: the teacher scores {lowest['value']:.4f} in one "
            f"and {highest['value']:.4f} in the other; they belong to different experiments"
        )
    return Cell(float(teacher["value"].mean()) * PERCENT)


def filled(cells: Mapping[str, Cell | str | None]) -> dict[str, Cell | str]:
    """``cells`` without those that hold nothing."""
    return {key: value for key, value in cells.items() if value is not None}


def sources(*frames: pd.DataFrame) -> tuple[str, ...]:
    """The files behind ``frames``, sorted, each once."""
    return tuple(sorted({source for frame in frames for source in frame["source"]}))
