"""Figure ``precision-recall``: each method as a point, precision upwards, recall to the right."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from prism.errors import DataError
from prism.tables.context import Context, methods_of
from prism.tables.frame import collect
from prism.tables.labels import Box, place
from prism.tables.plotting import DOTS_PER_INCH, colour, marker, new_figure
from prism.tables.quality import select


def from_files(paths: Iterable[Path], context: Context) -> Figure:
    """Draw from evaluations."""
    frame = collect(paths)
    return draw(frame[frame["stage"] == "evaluation"], context)


def draw(frame: pd.DataFrame, context: Context) -> Figure:
    """Draw the methods whose evaluation holds precision and recall; DataError if there is none."""
    points: dict[str, tuple[float, float]] = {}
    for method in methods_of(frame, context):
        own = frame[frame["method"] == method]
        precision, recall = select(own, "precision"), select(own, "recall")
        if len(precision) and len(recall):
            points[method] = (float(recall["value"].mean()), float(precision["value"].mean()))
    if not points:
        raise DataError("figure precision-recall: no evaluation with precision and recall among the inputs")
    scale = max(1.0, (len(points) / 16) ** 0.5)  # labels take their place on paper
    figure = new_figure(6.4 * scale, 4.8 * scale)
    axes = figure.add_subplot()
    for index, (recall_value, precision_value) in enumerate(points.values()):
        axes.scatter(recall_value, precision_value, s=52, color=colour(index), marker=marker(index), zorder=3)
    axes.set(xlabel="Recall (share of real images covered)", ylabel="Precision (share of images that look real)")
    axes.set_xlim(*_limits([x for x, _ in points.values()]))
    axes.set_ylim(*_limits([y for _, y in points.values()]))
    _label(figure, {context.label(method): point for method, point in points.items()})
    return figure


def _limits(values: list[float]) -> tuple[float, float]:
    """Limits with room for labels around the values."""
    room = max(0.18 * (max(values) - min(values)), 0.03)
    return min(values) - room, max(values) + room


def _label(figure: Figure, points: dict[str, tuple[float, float]]) -> None:
    """Write each label beside its point, with a thin line to it where it had to move away."""
    axes = figure.axes[0]
    figure.draw_without_rendering()  # fixes the layout, so that data and points on paper can be converted
    per_point = DOTS_PER_INCH / 72
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    texts = [
        axes.annotate(label, point, xytext=(0, 0), textcoords="offset points", fontsize=9)
        for label, point in points.items()
    ]
    sizes = [
        (box.width / per_point, box.height / per_point) for box in (text.get_window_extent(renderer) for text in texts)
    ]
    centres = [tuple(axes.transData.transform(point) / per_point) for point in points.values()]
    window = axes.get_window_extent(renderer)
    frame = Box(window.x0 / per_point, window.y0 / per_point, window.width / per_point, window.height / per_point)
    for index, (text, (x, y), box) in enumerate(zip(texts, centres, place(centres, sizes, frame), strict=True)):
        text.set_position((box.left - x, box.bottom - y))
        nearest_x = min(max(x, box.left), box.left + box.width)
        nearest_y = min(max(y, box.bottom), box.bottom + box.height)
        if abs(nearest_x - x) + abs(nearest_y - y) > 14:
            line = axes.transData.inverted().transform(
                [(x * per_point, y * per_point), (nearest_x * per_point, nearest_y * per_point)]
            )
            axes.plot(line[:, 0], line[:, 1], color=colour(index), linewidth=0.6, zorder=2)
