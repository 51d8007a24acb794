"""Figure ``learning-curves``: accuracy over epochs, one panel per student, one line per method."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prism.errors import DataError
from prism.tables.context import PERCENT, Context, in_order
from prism.tables.frame import collect
from prism.tables.plotting import colour, dash, new_figure

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
    figure = new_figure(max(3.4 * len(students), 5.0), 3.6 + 0.22 * len(methods) / 2)
    panels = figure.subplots(1, len(students), sharey=True, squeeze=False).ravel()
    for panel, student in zip(panels, students, strict=True):
        for index, method in enumerate(methods):
            own = [curve for curve in curves if (curve.student, curve.method) == (student, method)]
            if own:
                _line(panel, own, colour(index), dash(index), context.label(method))
        panel.set(title=context.student_label(student), xlabel="Epoch")
    panels[0].set_ylabel(SCORES[curves[0].score])
    handles = {
        label: handle for panel in panels for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    labels = [context.label(method) for method in methods]
    figure.legend([handles[label] for label in labels], labels, loc="outside lower center", ncols=2, fontsize=9)
    return figure


def _line(panel: Axes, own: list[Curve], shade: str, style: str, label: str) -> None:
    """One method's line: epochs that every seed has, so that the mean is over the same seeds throughout."""
    epochs = sorted(set.intersection(*(set(curve.epochs) for curve in own)))
    values = np.array([[dict(zip(c.epochs, c.scores, strict=True))[epoch] for epoch in epochs] for c in own]) * PERCENT
    panel.plot(epochs, values.mean(axis=0), style, color=shade, linewidth=1.6, label=label)  # (seeds, epochs)
    if len(own) > 1:
        panel.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=shade, alpha=0.15, linewidth=0)
