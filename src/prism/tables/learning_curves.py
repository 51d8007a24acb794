"""Figure ``learning-curves``: accuracy over epochs, one column per student, one line per method."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from prism.errors import DataError
from prism.tables.context import PERCENT, Context, in_order
from prism.tables.frame import collect
from prism.tables.plotting import colour, dash, new_figure

PER_PANEL = 14
# the first of these columns that a history has is drawn
SCORES = {
    "accuracy": "Test accuracy (%)",
    "test_accuracy": "Test accuracy (%)",
    "agreement": "Agreement with the teacher (%)",
}


@dataclass(frozen=True)
class Curve:
    """One student's history: ``epochs`` and ``scores`` (shares between 0 and 1) of equal length."""

    method: str
    student: str
    seed: int
    epochs: tuple[float, ...]
    scores: tuple[float, ...]
    score: str


def from_files(paths: Iterable[Path], context: Context) -> Figure:
    """Draw from students' ``history.csv``, each with its ``metrics.json`` beside it; either may be given."""
    frame = collect(path.with_name("metrics.json") for path in map(Path, paths))
    students = frame[(frame["stage"] == "distillation") & (frame["metric"] == "accuracy")]
    curves = [
        read_history(Path(row.source).with_name("history.csv"), method=row.method, student=row.student, seed=row.seed)
        for row in students.itertuples()
    ]
    return draw(curves, context)


def read_history(path: Path, *, method: str, student: str, seed: int) -> Curve:
    """Read a ``history.csv``; epochs without a score are skipped. DataError names the file and the line."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            names = reader.fieldnames or []
            score = next((name for name in SCORES if name in names), None)
            if score is None or "epoch" not in names:
                raise DataError(
                    f"{path}: has columns {', '.join(names)}; expected epoch and one of {', '.join(SCORES)}"
                )
            pairs = [_pair(path, reader.line_num, row["epoch"], row[score]) for row in reader if row[score]]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise DataError(f"{path}: not readable as CSV ({problem})") from None
    if not pairs:
        raise DataError(f"{path}: holds no epoch with a value of {score}")
    epochs, scores = zip(*pairs, strict=True)
    return Curve(method, student, seed, epochs, scores, score)


def _pair(path: Path, line: int, epoch: str, score: str) -> tuple[float, float]:
    try:
        return float(epoch), float(score)
    except ValueError:
        raise DataError(f"{path}:{line}: epoch {epoch!r} or score {score!r} is not a number") from None


def draw(curves: list[Curve], context: Context) -> Figure:
    """Mean over seeds with a band from the lowest to the highest seed; DataError if there is no curve."""
    if not curves:
        raise DataError("figure learning-curves: no history.csv among the inputs; run the stage distillation first")
    students = in_order((curve.student for curve in curves), context.students)
    methods = in_order((curve.method for curve in curves), context.methods)
    # as many lines of their own look as an eye can follow; the others of a student stay behind them in grey
    groups = [methods[start : start + PER_PANEL] for start in range(0, len(methods), PER_PANEL)]
    figure = new_figure(
        max(3.4 * len(students), 4.0) + 2.4, max(3.6, 0.26 * min(len(methods), PER_PANEL)) * len(groups)
    )
    panels = figure.subplots(len(groups), len(students), sharex=True, sharey=True, squeeze=False)
    for row, group in zip(panels, groups, strict=True):
        lines = {}
        for panel, student in zip(row, students, strict=True):
            for curve in curves:
                if curve.student == student and curve.method not in group:
                    panel.plot(curve.epochs, np.array(curve.scores) * PERCENT, color="#e2e2e2", linewidth=0.8, zorder=1)
            for index, method in enumerate(group):
                own = [curve for curve in curves if (curve.student, curve.method) == (student, method)]
                if own:
                    lines[method] = _line(panel, own, colour(index), dash(index))
        drawn = [method for method in group if method in lines]
        row[-1].legend(
            [lines[method] for method in drawn],
            [context.label(method) for method in drawn],
            loc="center left",
            bbox_to_anchor=(1.02, 0.5),
            fontsize=9,
        )
        row[0].set_ylabel(SCORES[curves[0].score])
    for panel, student in zip(panels[0], students, strict=True):
        panel.set_title(context.student_label(student))
    for panel in panels[-1]:
        panel.set_xlabel("Epoch")
    return figure


def _line(panel: Axes, own: list[Curve], shade: str, style: str) -> Line2D:
    """One method's line: epochs that every seed has, so that the mean is over the same seeds throughout."""
    epochs = sorted(set.intersection(*(set(curve.epochs) for curve in own)))
    values = np.array([[dict(zip(c.epochs, c.scores, strict=True))[epoch] for epoch in epochs] for c in own]) * PERCENT
    (line,) = panel.plot(epochs, values.mean(axis=0), style, color=shade, linewidth=1.6)  # (seeds, epochs)
    if len(own) > 1:
        panel.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=shade, alpha=0.15, linewidth=0)
    return line
