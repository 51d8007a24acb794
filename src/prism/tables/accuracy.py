"""Table ``accuracy``: students' top-1 accuracy by method, beside the teacher's and the published numbers."""

from __future__ import annotations

import pandas as pd

from prism.errors import DataError
from prism.tables.context import PERCENT, REAL, Context, cell, filled, in_order, methods_of, sources, teacher_score
from prism.tables.published import find, quoted_label
from prism.tables.render import Column, Row, Table

PUBLISHED = "published"


def build(frame: pd.DataFrame, context: Context) -> Table:
    """One row per method, one column per student; below them methods that the papers alone have, marked as quoted.

    Raises:
        DataError: no student was scored, or their teachers disagree.
    """
    frame = frame[frame["stage"] == "distillation"]
    scores = frame[frame["metric"] == "accuracy"]
    if scores.empty:
        raise DataError("table accuracy: no student's metrics.json among the inputs; run the stage distillation first")
    students = in_order(scores["student"], context.students)
    rows = _teacher_rows(frame, students)
    methods = methods_of(scores, context)
    for index, method in enumerate(methods):
        of_method = scores[scores["method"] == method]
        cells = {name: cell(of_method[of_method["student"] == name], scale=PERCENT) for name in students}
        cells = {"method": context.label(method), **cells, PUBLISHED: _published(method, context)}
        new_block = index == 0 or methods[index - 1] == REAL
        rows.append(Row(filled(cells), sources(of_method), rule_above=new_block))
    quoted = _quoted(context, without=methods)
    rows += quoted
    columns = [
        Column("method", "Method"),
        *(Column(name, context.student_label(name), better="up") for name in students),
    ]
    notes = ["Top-1 accuracy in % on the test set, at the last epoch; mean ± standard deviation over seeds."]
    if any(PUBLISHED in row.cells for row in rows):
        columns.append(Column(PUBLISHED, f"Published: {context.setting.text}"))
        notes.append(_published_note(context))
    elif context.published:
        notes.append(f"No published number is for {context.setting.text} (tables.setting), but {_settings(context)}.")
    if quoted:
        notes.append("Rows marked as quoted were not run here; their numbers are the papers' own.")
    return Table("accuracy", "Accuracy of students", tuple(columns), tuple(rows), tuple(notes))


def _teacher_rows(frame: pd.DataFrame, students: list[str]) -> list[Row]:
    """The teacher's accuracy on the same test set: one number for all students."""
    score = teacher_score(frame)
    if score is None:
        return []
    files = sources(frame[frame["metric"] == "teacher_accuracy"])
    return [Row({"method": "Teacher", **dict.fromkeys(students, score)}, files)]


def _quoted(context: Context, without: list[str]) -> list[Row]:
    """Rows of the methods with numbers in this setting that are not among our own."""
    setting = context.setting
    methods = [row.method for row in context.published if row.method not in without]
    rows = []
    for method in dict.fromkeys(methods):
        found = find(context.published, table="accuracy", method=method, metric="top1", setting=setting)
        if found:
            files = tuple(dict.fromkeys(row.file.replace(";", ",") for row in found))  # ";" parts files in the CSV
            text = " / ".join(row.text for row in found)
            rows.append(Row({"method": quoted_label(found[0]), PUBLISHED: text}, files, rule_above=not rows))
    return rows


def _published(method: str, context: Context) -> str | None:
    found = find(context.published, table="accuracy", method=method, metric="top1", setting=context.setting)
    return " / ".join(row.text for row in found) or None


def _settings(context: Context) -> str:
    """What could be meant: teachers and students on that data set, or the data sets where there is none of it."""
    rows = [row for row in context.published if (row.table, row.metric) == ("accuracy", "top1")]
    rows = [row for row in rows if row.teacher and row.student]
    wanted = context.setting.dataset
    pairs = dict.fromkeys(f"{row.teacher} → {row.student}" for row in rows if row.dataset == wanted)
    if pairs:
        return f"on {wanted} for {', '.join(pairs)}"
    return f"on {', '.join(dict.fromkeys(row.dataset for row in rows))}"


def _published_note(context: Context) -> str:
    found = [
        row
        for method in in_order((row.method for row in context.published), context.methods)
        for row in find(context.published, table="accuracy", method=method, metric="top1", setting=context.setting)
    ]
    papers = "; ".join(dict.fromkeys(f"{row.paper}, {row.table_or_figure}, {row.file}" for row in found))
    note = f"Published numbers are for {context.setting.text} and not for this experiment ({papers})."
    if any(row.mark == "chart" for row in found):
        note += " ≈: read off a chart."
    if any(row.mark == "second-hand" for row in found):
        note += " †: from a summary of the paper."
    return note
