"""The papers' numbers: those that ship are valid, and a number without a source is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from prism.errors import DataError
from prism.tables.published import DEFAULT_SETTING, find, load_published

SHIPPED = Path(__file__).parents[2] / "config" / "published"
HEADER = "table,method,label,dataset,teacher,student,metric,value,budget,paper,table_or_figure,file,mark,note\n"
ROW = "accuracy,ddis,DDIS,ImageNet-1K,ResNet-34,ResNet-18,top1,41.68,,DDIS,a table,a.png,found,\n"


def _file(folder: Path, text: str) -> Path:
    path = folder / "numbers.csv"
    path.write_text(text)
    return path


def test_all_shipped_numbers_have_a_source_and_a_mark():
    rows = load_published(SHIPPED)
    assert len(rows) > 400
    assert set(Counter(row.mark for row in rows)) == {"found", "second-hand", "chart"}


@pytest.mark.parametrize(
    ("method", "text"),
    [("real", "43.30"), ("vanilla", "33.02"), ("deepinversion", "4.67"), ("ddis", "41.68")],
)
def test_the_default_setting_has_one_number_for_each_method_of_its_table(method, text):
    found = find(load_published(SHIPPED), table="accuracy", method=method, metric="top1", setting=DEFAULT_SETTING)
    assert [row.text for row in found] == [text]


def test_prism_itself_has_no_published_accuracy():
    assert [row.metric for row in load_published(SHIPPED) if row.method == "prism"] == ["top1_gain_at_most"]


def test_accuracies_are_per_cent_and_shares_are_shares():
    for row in load_published(SHIPPED):
        limit = {"top1": 100, "top5": 100, "precision": 1, "recall": 1}.get(row.metric)
        assert limit is None or 0 <= row.value <= limit, row


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROW.replace("a.png", ""), "numbers.csv:2: file is empty; a number without a source is refused"),
        (ROW.replace("found", ""), "mark is empty"),
        (ROW.replace("found", "inferred"), "mark is 'inferred'"),
        (ROW.replace("41.68", "about 42"), "value is 'about 42'"),
        (ROW.replace("41.68", "nan"), "value is 'nan'"),
        (ROW + ROW, "numbers.csv:3: repeats the number of .*numbers.csv:2"),
        (ROW.replace(",found,", ",found"), "more or fewer fields"),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path, row, message):
    with pytest.raises(DataError, match=message):
        load_published(_file(tmp_path, HEADER + row))


def test_other_columns_are_refused(tmp_path):
    with pytest.raises(DataError, match="expected table,method"):
        load_published(_file(tmp_path, "method,value\nddis,41\n"))


def test_a_missing_file_or_an_empty_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        load_published(tmp_path / "gone.csv")
    with pytest.raises(DataError, match="no CSV file"):
        load_published(tmp_path)


def test_marks_are_visible_beside_the_number(tmp_path):
    rows = (
        ROW
        + ROW.replace("ddis", "b").replace("found", "chart")
        + ROW.replace("ddis", "c").replace("found", "second-hand")
    )
    assert [row.text for row in load_published(_file(tmp_path, HEADER + rows))] == [
        "41.68",
        "≈41.68",
        "41.68†",
    ]
