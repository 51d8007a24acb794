"""One table, four formats: CSV for machines, Markdown, LaTeX (booktabs) and HTML for people.

All four are made from the same ``Table``, so that they cannot disagree.
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

ARROWS = {"up": "↑", "down": "↓", "": ""}
MISSING = "–"
WIDE = 8  # columns; in a table of more of them text wraps in HTML, and LaTeX sets it small
LATEX_PROSE = "p{40mm}"


@dataclass(frozen=True)
class Column:
    """A column: ``key`` names it in the CSV, ``header`` for people; ``digits`` after the decimal point.

    ``better`` says which way is good and puts an arrow in the header; ``signed`` shows plus signs; ``prose`` is text
    that may run over several lines.
    """

    key: str
    header: str
    digits: int = 2
    better: Literal["up", "down", ""] = ""
    signed: bool = False
    prose: bool = False


@dataclass(frozen=True)
class Cell:
    """A mean over ``n`` values with their sample standard deviation, which one value does not have."""

    mean: float
    sd: float | None = None
    n: int = 1


@dataclass(frozen=True)
class Row:
    """Cells by column key (a string is printed as it is, a missing key as a dash) and their files."""

    cells: dict[str, Cell | str]
    sources: tuple[str, ...] = ()
    rule_above: bool = False


@dataclass(frozen=True)
class Table:
    """A finished table. ``columns[0]`` holds the row's name."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = field(default=())


def summarize(values: Sequence[float], *, scale: float = 1.0) -> Cell:
    """Mean and sample standard deviation (n - 1) of ``values`` times ``scale``; one value has no sd."""
    if not len(values):
        raise ValueError("values is empty, expected at least one number")
    scaled = [value * scale for value in values]
    mean = sum(scaled) / len(scaled)
    if len(scaled) == 1:
        return Cell(mean)
    return Cell(mean, (sum((value - mean) ** 2 for value in scaled) / (len(scaled) - 1)) ** 0.5, len(scaled))


def cell_text(cell: Cell | str | None, column: Column) -> str:
    """A cell as people read it: ``41.68 ± 0.31``, ``41.68`` for one value, a dash where there is none."""
    if cell is None or cell == "":
        return MISSING
    if isinstance(cell, str):
        return cell
    mean = _fixed(cell.mean, column)
    return mean if cell.sd is None else f"{mean} ± {cell.sd:.{column.digits}f}"


def to_csv(table: Table) -> str:
    """Comma-separated: mean, sd and n for each column of numbers, a text in place of the mean as it is; ``sources`` at
    the end, split by ``;``.
    """
    numeric = {column.key for column in table.columns if _is_numeric(table, column)}
    header: list[str] = []
    for column in table.columns:
        header += [f"{column.key}_{part}" for part in ("mean", "sd", "n")] if column.key in numeric else [column.key]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*header, "sources"])
    for row in table.rows:
        line: list[str] = []
        for column in table.columns:
            cell = row.cells.get(column.key)
            if column.key not in numeric:
                line.append("" if cell is None else str(cell))
            elif isinstance(cell, Cell):
                line += [_plain(cell.mean), "" if cell.sd is None else _plain(cell.sd), str(cell.n)]
            else:
                line += [cell or "", "", ""]
        writer.writerow([*line, ";".join(row.sources)])
    return out.getvalue()


def to_markdown(table: Table) -> str:
    """A Markdown table under its title, numbers to the right, notes below."""
    marks = ["---:" if _is_numeric(table, column) else ":---" for column in table.columns]
    lines = [f"**{_markdown(table.title)}**", ""]
    lines.append("| " + " | ".join(_markdown(_header(column)) for column in table.columns) + " |")
    lines.append("| " + " | ".join(marks) + " |")
    for row in table.rows:
        lines.append("| " + " | ".join(_markdown(text) for text in _texts(table, row)) + " |")
    lines += [line for note in table.notes for line in ("", _markdown(note))]
    return "\n".join(lines) + "\n"


def to_latex(table: Table) -> str:
    """A ``table`` environment in the style of the booktabs package; every text escaped."""
    alignment = "".join(
        "r" if _is_numeric(table, column) else LATEX_PROSE if column.prose else "l" for column in table.columns
    )
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{_latex(table.title)}}}",
        f"\\label{{tab:{re.sub(r'[^a-z0-9-]', '-', table.name.lower())}}}",
        *(["\\setlength{\\tabcolsep}{3pt}\\scriptsize"] if len(table.columns) > WIDE else []),
        f"\\begin{{tabular}}{{{alignment}}}",
        "\\toprule",
        " & ".join(_latex(_header(column)) for column in table.columns) + " \\\\",
        "\\midrule",
    ]
    for index, row in enumerate(table.rows):
        if row.rule_above and index:
            lines.append("\\midrule")
        lines.append(" & ".join(_latex(text) for text in _texts(table, row)) + " \\\\")
    lines += ["\\bottomrule", "\\end{tabular}"]
    lines += [f"\\par\\smallskip\\footnotesize {_latex(note)}" for note in table.notes]
    lines.append("\\end{table}")
    return "\n".join(lines) + "\n"


STYLE = (
    ".prism{font:15px/1.45 system-ui,sans-serif;color:#1c1c1c;background:#fff;padding:1rem;overflow-x:auto}"
    ".prism table{border-collapse:collapse;border-top:2px solid;border-bottom:2px solid}"
    ".prism caption{text-align:left;font-weight:600;padding-bottom:.5rem}"
    ".prism th,.prism td{padding:.3rem .8rem;text-align:left;white-space:nowrap}"
    ".prism thead tr,.prism tr.rule{border-top:1px solid #888}.prism thead{border-bottom:1px solid}"
    ".prism .number{text-align:right;font-variant-numeric:tabular-nums}"
    ".prism .prose{white-space:normal;min-width:16rem}"
    ".prism .wide{font-size:13px}.prism .wide th,.prism .wide td{padding:.25rem .35rem;white-space:normal}"
    ".prism .wide td.number{white-space:nowrap}.prism .wide .prose{min-width:7rem;overflow-wrap:anywhere}"
    ".prism tbody tr:hover{background:#f2f2f2}"
    ".prism tbody th{font-weight:400}.prism p{max-width:60rem;font-size:13px;color:#444}"
)


def to_html(table: Table) -> str:
    """A fragment that stands alone: its own small style, no script, nothing fetched; every text escaped."""
    classes = [
        ' class="number"' if _is_numeric(table, column) else ' class="prose"' if column.prose else ""
        for column in table.columns
    ]
    heads = "".join(
        f'<th scope="col"{name}>{html.escape(_header(column))}</th>'
        for column, name in zip(table.columns, classes, strict=True)
    )
    wide = ' class="wide"' if len(table.columns) > WIDE else ""
    lines = [
        '<meta charset="utf-8">',
        f"<style>{STYLE}</style>",
        f'<div class="prism"><table{wide}><caption>{html.escape(table.title)}</caption>',
        f"<thead><tr>{heads}</tr></thead>",
        "<tbody>",
    ]
    for index, row in enumerate(table.rows):
        first, *others = (html.escape(text) for text in _texts(table, row))
        cells = "".join(f"<td{name}>{text}</td>" for text, name in zip(others, classes[1:], strict=True))
        rule = ' class="rule"' if row.rule_above and index else ""
        lines.append(f'<tr{rule}><th scope="row">{first}</th>{cells}</tr>')
    lines.append("</tbody></table>")
    lines += [f"<p>{html.escape(note)}</p>" for note in table.notes]
    return "\n".join(lines) + "\n</div>\n"


FORMATS: dict[str, Callable[[Table], str]] = {
    "csv": to_csv,
    "md": to_markdown,
    "tex": to_latex,
    "html": to_html,
}


def _is_numeric(table: Table, column: Column) -> bool:
    return any(isinstance(row.cells.get(column.key), Cell) for row in table.rows)


def _header(column: Column) -> str:
    return f"{column.header} {ARROWS[column.better]}".strip()


def _texts(table: Table, row: Row) -> list[str]:
    return [cell_text(row.cells.get(column.key), column) for column in table.columns]


def _fixed(value: float, column: Column) -> str:
    text = f"{value:{'+' if column.signed else ''}.{column.digits}f}"
    if float(text) == 0:  # no minus sign before a zero
        text = text.lstrip("+-")
    return text.replace("-", "−")


def _plain(value: float) -> str:
    return f"{value:.8g}"


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", " ".join(text.split()))


LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "±": r"$\pm$", "−": r"$-$", "–": "--", "↑": r"$\uparrow$",
    "↓": r"$\downarrow$", "→": r"$\rightarrow$", "✓": r"$\bullet$", "≈": r"$\approx$", "†": r"$\dagger$",
    "Δ": r"$\Delta$",
    "×": r"$\times$",
}  # fmt: skip


def _latex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in " ".join(text.split()))
