"""The smoke configuration for real: every stage, with the miniature's own models."""

from __future__ import annotations

import csv

import pytest

pytestmark = pytest.mark.slow


def test_tables_have_a_row_for_each_method(calm):
    for table in ("accuracy", "quality", "generalization", "claims"):
        with (calm.path / "results" / "smoke" / "tables" / f"{table}.csv").open(encoding="utf-8") as stream:
            assert len(list(csv.DictReader(stream))) >= 3


def test_the_report_is_one_file_with_all_tables_and_figures(calm):
    report = (calm.path / "results" / "smoke" / "report.html").read_text(encoding="utf-8")
    for name in ("accuracy.html", "cost.html", "precision-recall.png", "images.png"):
        assert name in report


def test_nothing_is_left_to_do_or_to_clean_up(calm):
    assert calm.dry_run("all").nothing_to_do
    results = calm.path / "results"
    assert not [path for path in results.rglob("*") if path.is_file() and ".part" in path.name]


def test_the_same_run_again_gives_the_same_bytes(calm):
    shard = calm.path / "results" / "smoke" / "synthesis" / "prism" / "shard-0001.tar"
    before = shard.read_bytes()
    assert calm.snakemake(str(shard.relative_to(calm.path)), "--forcerun", "synthesize").status == 0
    assert shard.read_bytes() == before
