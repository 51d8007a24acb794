"""Captions of the report: valid, and one for each table and figure."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest
from docutils.core import publish_parts

from prism.tables.registry import FIGURES, TABLES

FOLDER = Path(__file__).parents[2] / "workflow" / "report"


def _rendered(name: str, **wildcards: str) -> str:
    template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string((FOLDER / name).read_text())
    workflow = SimpleNamespace(wildcards=SimpleNamespace(**wildcards), config={"experiment": "miniature"})
    # a warning of docutils is an error here
    return publish_parts(template.render(snakemake=workflow), writer="html", settings_overrides={"halt_level": 2})[
        "body"
    ]


@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_a_caption_of_its_own(table):
    assert len(_rendered("table.rst", table=table)) > len(_rendered("table.rst", table="x")) + 200


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_has_a_caption_of_its_own(figure):
    assert len(_rendered("figure.rst", figure=figure)) > len(_rendered("figure.rst", figure="x")) + 200


def test_the_overview_names_the_experiment():
    assert "miniature" in _rendered("workflow.rst")
