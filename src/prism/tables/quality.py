"""Table ``quality``: how good and how varied the synthesized images of each method are."""

from __future__ import annotations

import pandas as pd

from prism.errors import DataError
from prism.tables.context import REAL, Context, cell, filled, methods_of, sources
from prism.tables.render import Column, Row, Table

# by the metric's short name in the evaluation
COLUMNS = (
    Column("fid", "FID", 2, "down"),
    Column("kid", "KID", 4, "down"),
    Column("inception_score", "IS", 2, "up"),
    Column("precision", "Precision", 3, "up"),
    Column("recall", "Recall", 3, "up"),
    Column("density", "Density", 3, "up"),
    Column("coverage", "Coverage", 3, "up"),
    Column("vendi", "Vendi", 2, "up"),
    Column("intra_class_similarity", "Intra-class similarity", 3, "down"),
    Column("teacher_agreement", "Teacher agreement", 3, "up"),
    Column("free_energy_gap", "Free-energy gap", 3, signed=True),
    Column("oracle_sense", "Right sense", 3, "up"),
    Column("oracle_contexts", "Contexts", 3, "up"),
    Column("oracle_colours", "Colours", 3, "up"),
    Column("oracle_styles", "Styles", 3, "up"),
    Column("oracle_cells", "Context × colour × style", 3, "up"),
    Column("oracle_coverage", "True coverage", 3, "up"),
)


def select(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of the metric ``name``."""
    return frame[frame["metric"] == name]


def build(frame: pd.DataFrame, context: Context) -> Table:
    """One row per method; a metric that no evaluation holds (the oracle's, say) has no column.

    Where methods were measured by different protocols, a note says so. DataError without any evaluation.
    """
    frame = frame[frame["stage"] == "evaluation"]
    if frame.empty:
        raise DataError("table quality: no evaluation among the inputs; run the stage evaluation first")
    columns = [column for column in COLUMNS if not select(frame, column.key).empty]
    if not columns:
        raise DataError(f"{frame['source'].iloc[0]}: holds none of the metrics {', '.join(c.key for c in COLUMNS)}")
    rows = []
    methods = methods_of(frame, context)
    for index, method in enumerate(methods):
        of_method = frame[frame["method"] == method]
        cells = {column.key: cell(select(of_method, column.key)) for column in columns}
        below_reference = index == 1 and methods[0] == REAL
        rows.append(Row(filled({"method": context.label(method), **cells}), sources(of_method), below_reference))
    notes = ["Measured against real images that no data-free method has seen.", *_protocol(frame, columns)]
    return Table(
        "quality",
        "Quality of the synthesized images",
        (Column("method", "Method"), *columns),
        tuple(rows),
        tuple(notes),
    )


def _protocol(frame: pd.DataFrame, columns: list[Column]) -> list[str]:
    """Notes on the metrics' full names, which state the feature network, k and the number of images."""
    names = {column.header: sorted(set(select(frame, column.key)["full_name"])) for column in columns}
    notes = [f"Full names: {', '.join(name for several in names.values() for name in several)}."]
    mixed = [header for header, several in names.items() if len(several) > 1]
    if mixed:
        notes.append(f"Not all rows were measured alike; do not compare {', '.join(mixed)} between them.")
    return notes
