"""Table ``dataset-distillation``: what few images of each class are worth, and the bytes that their labels take."""

from __future__ import annotations

import pandas as pd

from prism.errors import DataError
from prism.tables.context import PERCENT, Context, cell, filled, in_order, sources
from prism.tables.render import Cell, Column, Row, Table

KILOBYTE = 1000.0


def build(frame: pd.DataFrame, context: Context) -> Table:
    """One row per method; for each number of images per class its students' accuracy, and the bytes it rests on.

    A method at several sizes is one row. Without any distilled data set among the methods the table has no row.
    Raises DataError if no student was scored.
    """
    scores = frame[(frame["stage"] == "distillation") & (frame["metric"] == "accuracy")]
    if scores.empty:
        missing = "no student's metrics.json among the inputs; run the stage distillation first"
        raise DataError(f"table dataset-distillation: {missing}")
    members = [name for name in context.images_per_class if name in set(scores["method"])]
    sizes = sorted({context.images_per_class[name] for name in members})
    students = in_order(scores[scores["method"].isin(members)]["student"], context.students)
    rows = []
    for family in dict.fromkeys(context.families[name] for name in members):
        cells: dict[str, Cell | str | None] = {"method": family}
        used = []
        for name in (name for name in members if context.families[name] == family):
            size = context.images_per_class[name]
            own = scores[scores["method"] == name]
            for student in students:
                cells[f"ipc{size}_{student}"] = cell(own[own["student"] == student], scale=PERCENT)
            images, labels = (_of(frame, name, stage, metric) for stage, metric in BYTES)
            used += [own, images, labels]
            cells |= {f"ipc{size}_{key}": value for key, value in _sizes(images, labels).items()}
        rows.append(Row(filled(cells), sources(*used)))
    columns = [Column("method", "Method")]
    for size in sizes:
        head = f"{size} / class"
        columns += [Column(f"ipc{size}_{name}", f"{head}: {context.student_label(name)}", 2, "up") for name in students]
        columns += [
            Column(f"ipc{size}_{key}", f"{head}: {title}", digits, "down") for key, title, digits in BYTE_COLUMNS
        ]
    used_columns = [column for column in columns if column.key == "method" or any(column.key in r.cells for r in rows)]
    return Table("dataset-distillation", "Distilled data sets", tuple(used_columns), tuple(rows), _notes(rows))


BYTES = (("synthesis", "bytes"), ("relabelling", "label_bytes"))
BYTE_COLUMNS = (("images_kb", "images (kB)", 1), ("labels_kb", "labels (kB)", 1), ("ratio", "labels / images", 2))


def _of(frame: pd.DataFrame, method: str, stage: str, metric: str) -> pd.DataFrame:
    return frame[(frame["stage"] == stage) & (frame["method"] == method) & (frame["metric"] == metric)]


def _sizes(images: pd.DataFrame, labels: pd.DataFrame) -> dict[str, Cell | None]:
    """Kilobytes of images and of stored labels, and their ratio; images that came from no stage have none."""
    image_bytes, label_bytes = float(images["value"].sum()), float(labels["value"].sum())
    return {
        "images_kb": Cell(image_bytes / KILOBYTE) if len(images) else None,
        "labels_kb": Cell(label_bytes / KILOBYTE) if len(images) or len(labels) else None,
        "ratio": Cell(label_bytes / image_bytes) if image_bytes else None,
    }


def _notes(rows: list[Row]) -> tuple[str, ...]:
    if not rows:
        return ("No method of this experiment has images_per_class or relabel.",)
    return (
        "Top-1 accuracy in % on the test set, at the last epoch; mean ± standard deviation over seeds.",
        "Images: the shards, PNG and records. Labels: the file of soft labels in 16 bits with what makes each view "
        "again; 0 where the teacher is asked anew, and must be kept.",
    )
