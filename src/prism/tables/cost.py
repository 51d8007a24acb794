"""Table ``cost``: time and memory of each method, from the run facts in the manifests."""

from __future__ import annotations

import pandas as pd

from prism.errors import DataError
from prism.tables.context import Context, filled, methods_of, sources
from prism.tables.render import Cell, Column, Row, Table

COLUMNS = (
    Column("images", "Images", 0),
    Column("seconds_per_image", "s / image", 3, "down"),
    Column("peak_memory_mb", "Peak memory of synthesis (MB)", 0, "down"),
    Column("prompts_seconds", "Prompts (s)", 1, "down"),
    Column("tokens_seconds", "Tokens (s)", 1, "down"),
    Column("inversion_seconds", "Competitor (s)", 1, "down"),
    Column("synthesis_seconds", "Synthesis (s)", 1, "down"),
    Column("evaluation_seconds", "Evaluation (s)", 1, "down"),
    Column("relabelling_seconds", "Relabelling (s)", 1, "down"),
    Column("distillation_seconds", "Distillation (s)", 1, "down"),
)


def build(frame: pd.DataFrame, context: Context) -> Table:
    """One row per method: seconds summed over shards, students and seeds, memory as the largest of its shards.

    Raises DataError if the inputs hold no synthesis manifest with its seconds and count.
    """
    synthesis = frame[frame["stage"] == "synthesis"]
    if synthesis[synthesis["metric"] == "seconds"].empty:
        raise DataError("table cost: no synthesis manifest with run.seconds among the inputs; run synthesis first")
    rows = []
    for method in methods_of(synthesis, context):
        own = synthesis[synthesis["method"] == method]
        strategy = context.strategies.get(method, "")
        prompts, tokens = (_of_stage(frame, stage, strategy) for stage in ("prompts", "tokens"))
        stages = ("inversion", "evaluation", "relabelling", "distillation")
        competitor, evaluation, relabelling, distillation = (_of_stage(frame, stage, method) for stage in stages)
        timed = own[own["domain"].isin(own[own["metric"] == "seconds"]["domain"])]  # shards that hold both facts
        images, seconds = _sum(timed, "count"), _sum(timed, "seconds")
        cells = {
            "method": context.label(method),
            "images": _cell(images),
            "seconds_per_image": _cell(seconds / images if images and seconds is not None else None),
            "peak_memory_mb": _cell(_largest(own, "peak_memory_mb")),
            "prompts_seconds": _cell(_sum(prompts, "seconds")),
            "tokens_seconds": _cell(_sum(tokens, "seconds")),
            "inversion_seconds": _cell(_sum(competitor, "seconds")),
            "synthesis_seconds": _cell(seconds),
            "evaluation_seconds": _cell(_sum(evaluation, "seconds")),
            "relabelling_seconds": _cell(_sum(relabelling, "seconds")),
            "distillation_seconds": _cell(_sum(distillation, "seconds")),
        }
        others = (prompts, tokens, competitor, evaluation, relabelling, distillation)
        rows.append(Row(filled(cells), sources(own, *others)))
    used = [column for column in COLUMNS if any(column.key in row.cells for row in rows)]
    notes = (
        "Seconds of wall clock, summed over shards, students and seeds; they depend on the machine.",
        "Prompts and tokens that several methods share count in full for each.",
    )
    return Table("cost", "Cost", (Column("method", "Method"), *used), tuple(rows), notes)


def _of_stage(frame: pd.DataFrame, stage: str, owner: str) -> pd.DataFrame:
    return frame[(frame["stage"] == stage) & (frame["method"] == owner) & (frame["metric"] == "seconds")]


def _sum(frame: pd.DataFrame, metric: str) -> float | None:
    values = frame[frame["metric"] == metric]["value"]
    return float(values.sum()) if len(values) else None


def _largest(frame: pd.DataFrame, metric: str) -> float | None:
    values = frame[frame["metric"] == metric]["value"]
    return float(values.max()) if len(values) else None


def _cell(value: float | None) -> Cell | None:
    return None if value is None else Cell(value)
