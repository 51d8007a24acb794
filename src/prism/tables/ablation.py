"""Table ``ablation``: what the energy term and each part of the prompts bring, added and left out.

A method takes part if it is made of ``PARTS`` and nothing else; the table sorts them by what they have.
Differences are paired by seed, so that only what seeds share cancels out.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from prism.config.asked import PARTS
from prism.errors import DataError
from prism.tables.context import PERCENT, Context, cell, filled, in_order, sources
from prism.tables.quality import select
from prism.tables.render import Cell, Column, Row, Table, summarize

# Energy-guided Distribution Alignment, and the three parts of Diversified Prompt Engineering
LABELS: dict[str, str] = dict(zip(PARTS, ("EDA", "Senses", "Contents", "Styles"), strict=True))

ACCURACY = Column("accuracy", "Accuracy (%)", 2, "up")
QUALITY = (
    Column("precision", "Precision", 3, "up"),
    Column("recall", "Recall", 3, "up"),
    Column("oracle_sense", "Right sense", 3, "up"),
    Column("oracle_contexts", "Contexts seen", 3, "up"),
    Column("oracle_colours", "Colours seen", 3, "up"),
    Column("oracle_styles", "Styles seen", 3, "up"),
    Column("oracle_coverage", "True coverage", 3, "up"),
)


def build(frame: pd.DataFrame, context: Context) -> Table:
    """Two blocks, each row with its difference to the block's reference: no part, and all parts.

    Accuracy is that of the first student in the configuration. Raises DataError if no method takes part.
    """
    scores = frame[(frame["stage"] == "distillation") & (frame["metric"] == "accuracy")]
    students = in_order(scores["student"], context.students)
    scores = scores[scores["student"] == students[0]] if students else scores
    quality = frame[frame["stage"] == "evaluation"]
    blocks = _blocks(context.parts, present={*scores["method"], *quality["method"]})
    if not blocks:
        raise DataError(f"table ablation: no input is of a method made of {', '.join(PARTS)} alone; run such methods")
    measured = [column for column in QUALITY if not select(quality, column.key).empty]
    columns = [Column("method", "Method"), *(Column(part, name) for part, name in LABELS.items())]
    for column in [*([ACCURACY] if len(scores) else []), *measured]:
        columns += [column, Column(f"{column.key}_difference", "Δ", column.digits, signed=True)]
    rows = []
    for reference, members in blocks:
        for index, method in enumerate(members):
            rows.append(_row(method, reference, scores, quality, measured, context, rule_above=index == 0))
    notes = [
        "First block: parts added to none; second block, if any: parts left out one at a time from all.",
        "Δ: difference to the method without parts in the first block, and to that with all in the second, "
        "paired by seed (mean ± standard deviation over seeds).",
    ]
    if students:
        notes.append(f"Accuracy: student {context.student_label(students[0])}, last epoch.")
    return Table("ablation", "Ablation", tuple(columns), tuple(rows), tuple(notes))


def _blocks(parts: Mapping[str, frozenset[str]], present: set[str]) -> list[tuple[str | None, list[str]]]:
    """(reference method or None, the rows) of two blocks: built up from nothing, and all with one left out.

    The method with all parts and that with all parts of the prompts stand in both.
    """
    by_parts: dict[frozenset[str], str] = {}
    for method, has in parts.items():
        if method in present:
            by_parts.setdefault(has, method)  # of methods with equal parts, the first in the configuration
    everything = frozenset(PARTS)
    left_out = [everything, *(everything - {part} for part in PARTS)]
    prompts_only = everything - {"energy"}
    built_up = sorted((has for has in by_parts if has not in left_out[2:]), key=_place)
    present_left_out = [has for has in left_out if has in by_parts]
    blocks = [(by_parts.get(frozenset()), [by_parts[has] for has in built_up])] if built_up else []
    if any(has != prompts_only for has in present_left_out[1:]):
        blocks.append((by_parts.get(everything), [by_parts[has] for has in present_left_out]))
    return blocks


def _place(has: frozenset[str]) -> tuple[int, list[int]]:
    """Fewer parts first, then in the order of ``PARTS``."""
    return len(has), [index for index, part in enumerate(PARTS) if part in has]


def _row(
    method: str,
    reference: str | None,
    scores: pd.DataFrame,
    quality: pd.DataFrame,
    measured: list[Column],
    context: Context,
    *,
    rule_above: bool,
) -> Row:
    has = context.parts[method]
    cells: dict[str, Cell | str | None] = {part: "✓" if part in has else " " for part in PARTS}
    own_scores, own_quality = scores[scores["method"] == method], quality[quality["method"] == method]
    cells["accuracy"] = cell(own_scores, scale=PERCENT)
    if reference is not None and reference != method:
        cells["accuracy_difference"] = _difference(own_scores, scores[scores["method"] == reference], scale=PERCENT)
    for column in measured:
        own = select(own_quality, column.key)
        cells[column.key] = cell(own)
        if reference is not None and reference != method:
            other = select(quality[quality["method"] == reference], column.key)
            cells[f"{column.key}_difference"] = _difference(own, other)
    return Row(filled({"method": context.label(method), **cells}), sources(own_scores, own_quality), rule_above)


def _difference(own: pd.DataFrame, reference: pd.DataFrame, *, scale: float = 1.0) -> Cell | None:
    """Mean ± standard deviation of own minus reference over the seeds that both have, None without any."""
    first, second = own.set_index("seed")["value"], reference.set_index("seed")["value"]
    shared = sorted(set(first.index) & set(second.index))
    return summarize([float(first[seed] - second[seed]) for seed in shared], scale=scale) if shared else None
