"""Table ``pruning`` and its curve: sparsities in order, references first, the papers' numbers quoted and not drawn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prism.errors import DataError
from prism.tables import pruning
from prism.tables.frame import collect
from prism.tables.published import Published


def number(sparsity, value, method="ddis"):
    setting = ("ImageNet-1K", "ResNet-34", f"ResNet-34 pruned {sparsity} %")
    return Published(
        "pruning", method, method.upper(), *setting, "top1", value, "", "A paper", "chart", "a.png", "chart", ""
    )


def test_methods_are_rows_and_sparsities_columns_below_the_teacher(pruned, context):
    table = pruning.build(collect(pruned), context)
    assert [column.key for column in table.columns] == ["method", "0.5", "0.9"]
    assert [column.header for column in table.columns[1:]] == ["50 %", "90 %"]
    rows = {row.cells["method"]: row.cells for row in table.rows}
    assert list(rows) == ["Teacher, whole", "Teacher, not fine-tuned", "Vanilla", "PRISM"]
    assert rows["Teacher, whole"]["0.9"].mean == pytest.approx(95)
    assert rows["Teacher, not fine-tuned"]["0.5"].mean == pytest.approx(30)
    assert (rows["PRISM"]["0.5"].mean, rows["PRISM"]["0.5"].n) == (pytest.approx(80), 2)
    assert all(row.sources for row in table.rows)


def test_published_numbers_are_rows_of_their_own_marked_as_quoted(pruned, context):
    published = (number(50, 42.5), number(90, 29), number(70, 35), number(50, 54, "real"))
    table = pruning.build(collect(pruned), replace(context, published=published))
    quoted = [row for row in table.rows if "(quoted)" in row.cells["method"]]
    assert [(row.cells["method"], row.cells.get("0.5"), row.cells.get("0.9")) for row in quoted] == [
        ("DDIS (quoted)", "≈42.50", "≈29.00"),
        ("REAL (quoted)", "≈54.00", None),
    ]
    assert "A paper, chart, a.png" in table.notes[-2] and "read off a chart" in table.notes[-1]
    figure = pruning.from_files(pruned, replace(context, published=published))
    labels = [line.get_label() for line in figure.axes[0].get_lines()]
    assert labels[:2] == ["Vanilla", "PRISM"] and not any("quoted" in label for label in labels)
    assert list(figure.axes[0].get_lines()[1].get_xdata()) == [50, 90]
    assert list(figure.axes[0].get_lines()[1].get_ydata()) == pytest.approx([80, 60])


def test_networks_of_another_teacher_are_refused(pruned, context, write):
    other = {"method": "prism", "seed": 5, "sparsity": 0.5, "accuracy": 0.5, "teacher_accuracy": 0.8}
    with pytest.raises(DataError, match="teacher scores"):
        pruning.build(collect([*pruned, write("other.json", other)]), context)


@pytest.mark.parametrize("sparsity", [1.5, "half", None])
def test_a_sparsity_that_is_no_share_is_refused(write, sparsity):
    path = write("bad.json", {"method": "prism", "seed": 0, "sparsity": sparsity, "accuracy": 0.5})
    with pytest.raises(DataError, match=r"bad\.json.*sparsity"):
        collect([path])
