"""Table ``pruning`` and figure ``pruning-curve``: the teacher pruned, and healed on each method's images."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from prism.errors import DataError
from prism.tables.context import PERCENT, Context, cell, filled, methods_of, sources, teacher_score
from prism.tables.frame import collect
from prism.tables.plotting import colour, dash, marker, new_figure
from prism.tables.published import Published, quoted_label
from prism.tables.render import Cell, Column, Row, Table

UNTUNED = "not fine-tuned"


def build(frame: pd.DataFrame, context: Context) -> Table:
    """One row per method, one column per sparsity; below them the papers' numbers, marked as quoted.

    Raises:
        DataError: no pruned network was scored, or some were pruned from another teacher.
    """
    frame = frame[frame["stage"] == "pruning"]
    scores = frame[frame["metric"] == "accuracy"]
    if scores.empty:
        raise DataError("table pruning: no pruned network's metrics among the inputs; run the stage pruning first")
    sparsities = _sparsities(scores)
    columns = [Column("method", "Fine-tuned on"), *(_column(sparsity) for sparsity in sparsities)]
    rows = [*_references(frame, sparsities)]
    for index, method in enumerate(methods_of(scores, context)):
        own = scores[scores["method"] == method]
        cells = {sparsity: cell(own[own["domain"] == sparsity], scale=PERCENT) for sparsity in sparsities}
        rows.append(Row(filled({"method": context.label(method), **cells}), sources(own), rule_above=index == 0))
    quoted = _quoted(sparsities, context)
    notes = [
        "Top-1 accuracy in % on the test set of the teacher with this share of each layer removed, at the last epoch "
        "of fine-tuning by distillation from the whole teacher; mean ± standard deviation over seeds.",
        f"First rows: the whole teacher, and the pruned one {UNTUNED}.",
    ]
    if quoted:
        papers = "; ".join(dict.fromkeys(f"{row.paper}, {row.table_or_figure}, {row.file}" for row in _rows(context)))
        notes.append(f"Quoted: {context.setting.dataset}, {context.setting.teacher}, not this experiment ({papers}).")
        if any(row.mark == "chart" for row in _rows(context)):
            notes.append("≈: read off a chart.")
    return Table(
        "pruning", "Pruned teacher, fine-tuned on each method's images", tuple(columns), (*rows, *quoted), tuple(notes)
    )


def from_files(paths: Iterable[Path], context: Context) -> Figure:
    """Draw from pruned networks' ``metrics.json``; the papers' numbers, which are of other networks, are not drawn."""
    frame = collect(paths)
    scores = frame[(frame["stage"] == "pruning") & (frame["metric"] == "accuracy")]
    if scores.empty:
        raise DataError("figure pruning-curve: no pruned network's metrics among the inputs; run the stage pruning")
    figure = new_figure(6.4, 4.8)
    axes = figure.add_subplot()
    for index, method in enumerate(methods_of(scores, context)):
        by_sparsity = (
            scores[scores["method"] == method].groupby("domain")["value"].agg(["mean", "min", "max"]) * PERCENT
        )
        by_sparsity = by_sparsity.loc[_sparsities(by_sparsity.reset_index())]
        across = np.array([float(sparsity) for sparsity in by_sparsity.index]) * PERCENT
        look = {"color": colour(index), "marker": marker(index), "markersize": 5, "linewidth": 1.6}
        axes.plot(across, by_sparsity["mean"], dash(index), label=context.label(method), **look)
        axes.fill_between(across, by_sparsity["min"], by_sparsity["max"], color=colour(index), alpha=0.15, linewidth=0)
    whole = frame[(frame["stage"] == "pruning") & (frame["metric"] == "teacher_accuracy")]
    if len(whole):
        axes.axhline(float(whole["value"].mean()) * PERCENT, color="#666666", linewidth=1, linestyle=":")
    axes.set(xlabel="Share of weights removed (%)", ylabel="Test accuracy (%)")
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure


def _sparsities(frame: pd.DataFrame) -> list[str]:
    return sorted(set(frame["domain"]), key=float)


def _column(sparsity: str) -> Column:
    return Column(sparsity, f"{float(sparsity) * PERCENT:g} %", better="up")


def _references(frame: pd.DataFrame, sparsities: list[str]) -> list[Row]:
    """The whole teacher, and the pruned one before any fine-tuning: the same for all methods."""
    rows = []
    whole = frame[frame["metric"] == "teacher_accuracy"]
    if (score := teacher_score(frame)) is not None:
        rows.append(Row({"method": "Teacher, whole", **dict.fromkeys(sparsities, score)}, sources(whole)))
    untuned = frame[frame["metric"] == "untuned_accuracy"]
    if len(untuned):
        means = {sparsity: untuned[untuned["domain"] == sparsity]["value"].mean() for sparsity in sparsities}
        cells = {sparsity: Cell(float(mean) * PERCENT) for sparsity, mean in means.items()}
        rows.append(Row({"method": f"Teacher, {UNTUNED}", **cells}, sources(untuned)))
    return rows


def _rows(context: Context) -> list[Published]:
    """The papers' numbers of pruning the setting's teacher."""
    setting = (context.setting.dataset, context.setting.teacher)
    return [row for row in context.published if row.table == "pruning" and (row.dataset, row.teacher) == setting]


def _quoted(sparsities: list[str], context: Context) -> list[Row]:
    names = {f"{context.setting.teacher} pruned {float(s) * PERCENT:g} %": s for s in sparsities}
    found = [row for row in _rows(context) if row.student in names and row.metric == "top1"]
    rows = []
    for method in dict.fromkeys(row.method for row in found):
        own = [row for row in found if row.method == method]
        cells: dict[str, Cell | str] = {names[row.student]: row.text for row in own}
        files = tuple(dict.fromkeys(row.file.replace(";", ",") for row in own))
        rows.append(Row({"method": quoted_label(own[0]), **cells}, files, rule_above=not rows))
    return rows
