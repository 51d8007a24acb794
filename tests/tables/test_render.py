"""Four formats of one table: they agree, and what could break them is escaped."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser

import pytest

from prism.tables.render import (
    FORMATS,
    WIDE,
    Cell,
    Column,
    Row,
    Table,
    cell_text,
    summarize,
    to_csv,
    to_html,
    to_latex,
    to_markdown,
)

NASTY = "a|b_c & 50% <i>x</i> $y$ \\z #1 {k} ~^"


def _table() -> Table:
    rows = (
        Row({"method": NASTY, "score": Cell(41.6789, 0.314, 3)}, ("a.json", "b.json")),
        Row({"method": "one seed", "score": Cell(40.0)}, ("c.json",), rule_above=True),
        Row({"method": "nothing"}),
    )
    return Table("t", "A title", (Column("method", "Method"), Column("score", "Score", 2, "up")), rows, ("A note.",))


def test_a_text_among_numbers_stands_in_every_format():
    rows = (Row({"method": "ours", "score": Cell(40.0)}), Row({"method": "quoted", "score": "≈42.50"}))
    table = Table("t", "A title", (Column("method", "Method"), Column("score", "Score")), rows)
    assert all("42.50" in text(table) for text in FORMATS.values())
    assert list(csv.DictReader(io.StringIO(to_csv(table))))[1]["score_mean"] == "≈42.50"


def test_mean_and_sample_standard_deviation():
    assert summarize([0.1, 0.2, 0.3], scale=100) == Cell(pytest.approx(20), pytest.approx(10), 3)


def test_one_seed_prints_no_deviation():
    cell = summarize([0.5])
    assert cell == Cell(0.5, None, 1)
    assert cell_text(cell, Column("x", "X")) == "0.50"


def test_equal_seeds_print_a_deviation_of_zero():
    assert cell_text(summarize([0.5, 0.5]), Column("x", "X")) == "0.50 ± 0.00"


def test_no_values_are_refused():
    with pytest.raises(ValueError, match="values"):
        summarize([])


@pytest.mark.parametrize(("value", "text"), [(1.234, "+1.23"), (-1.234, "−1.23"), (-0.001, "0.00"), (0.0, "0.00")])
def test_differences_carry_their_sign_and_zero_has_none(value, text):
    assert cell_text(Cell(value), Column("x", "X", signed=True)) == text


def test_csv_has_mean_deviation_count_and_sources_in_columns_of_their_own():
    rows = list(csv.reader(io.StringIO(to_csv(_table()))))
    assert rows[0] == ["method", "score_mean", "score_sd", "score_n", "sources"]
    assert rows[1] == [NASTY, "41.6789", "0.314", "3", "a.json;b.json"]
    assert rows[2] == ["one seed", "40", "", "1", "c.json"]
    assert rows[3] == ["nothing", "", "", "", ""]


def test_markdown_rows_have_as_many_cells_as_the_header():
    lines = [line.replace("\\|", "") for line in to_markdown(_table()).splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {3}
    assert "| 41.68 ± 0.31 |" in to_markdown(_table())
    assert "<i>" not in to_markdown(_table()).replace("\\<", "")


def test_latex_is_escaped_and_uses_booktabs():
    text = to_latex(_table())
    row = next(line for line in text.splitlines() if line.startswith("a"))
    assert r"b\_c \& 50\% \textless{}i\textgreater{}" in row
    assert row.count("&") - row.count(r"\&") == 1
    assert row.endswith(r"41.68 $\pm$ 0.31 \\")
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 2, 1]
    assert text.isascii()


def test_html_is_well_formed_and_escaped():
    class Checker(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []
            self.text: list[str] = []

        def handle_starttag(self, tag, attrs):
            if tag != "meta":
                self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

        def handle_data(self, data):
            self.text.append(data)

    checker = Checker()
    checker.feed(to_html(_table()))
    assert checker.open == []
    assert NASTY in checker.text
    assert "script" not in to_html(_table()) and "http" not in to_html(_table())


@pytest.mark.parametrize(("columns", "wide"), [(WIDE, False), (WIDE + 1, True)])
def test_text_wraps_in_a_table_of_many_columns(columns, wide):
    named = tuple(Column(f"c{index}", "C") for index in range(columns))
    text = to_html(Table("t", "A title", named, (Row({"c0": "x"}),)))
    assert ('<table class="wide">' in text) is wide


@pytest.mark.parametrize("render", FORMATS.values(), ids=FORMATS)
def test_every_format_is_the_same_each_time_and_ends_with_a_newline(render):
    assert render(_table()) == render(_table())
    assert render(_table()).endswith("\n")
