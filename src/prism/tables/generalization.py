"""Table ``generalization``: students' accuracy on domains that the teacher was not trained on."""

from __future__ import annotations

import pandas as pd

from prism.errors import DataError
from prism.tables.context import PERCENT, Context, cell, filled, in_order, methods_of, sources
from prism.tables.render import Column, Row, Table


def build(frame: pd.DataFrame, context: Context) -> Table:
    """One row per student and method, one column per domain and their mean without the teacher's own.

    Raises DataError if no result is among the inputs.
    """
    frame = frame[frame["stage"] == "generalization"]
    if frame.empty:
        raise DataError("table generalization: no result among the inputs; run the stage generalization first")
    domains = in_order(frame["domain"], context.domains)
    others = [domain for domain in domains if domain in context.other_domains]
    students = in_order(frame["student"], context.students)
    rows = []
    for student in students:
        of_student = frame[frame["student"] == student]
        for index, method in enumerate(methods_of(of_student, context)):
            own = of_student[of_student["method"] == method]
            cells = {domain: cell(own[own["domain"] == domain], scale=PERCENT) for domain in domains}
            elsewhere = own[own["domain"].isin(others)]
            whole = _complete(elsewhere, others)
            means = elsewhere.groupby("seed").agg(value=("value", "mean")) if whole else own.head(0)
            head = {
                "method": context.label(method),
                "student": context.student_label(student),
                "mean_of_domains": cell(means, scale=PERCENT),
            }
            rows.append(Row(filled({**head, **cells}), sources(own), rule_above=index == 0))
    columns = [Column("method", "Method")]
    if len(students) > 1:
        columns.append(Column("student", "Student"))
    columns += [Column(domain, domain, better="up") for domain in domains]
    if len(others) > 1:
        header = "Mean" if others == domains else "Mean of other domains"
        columns.append(Column("mean_of_domains", header, better="up"))
    notes = ["Top-1 accuracy in % per test domain; mean ± standard deviation over seeds."]
    if len(students) == 1:
        notes.append(f"Student: {context.student_label(students[0])}.")
    return Table("generalization", "Generalization to other domains", tuple(columns), tuple(rows), tuple(notes))


def _complete(own: pd.DataFrame, domains: list[str]) -> bool:
    """True if every seed was tested on every domain, without which the means would not compare."""
    return bool((own.groupby("seed")["domain"].nunique() == len(domains)).all())
