"""The smoke configuration for real: every stage, with the miniature's own models."""

from __future__ import annotations

import csv

import pytest

from .conftest import Root, copied, with_real_models

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Root:
    made = with_real_models(copied(tmp_path_factory.mktemp("run")))
    answer = made.snakemake("all")
    assert answer.status == 0, answer.text
    return made


def test_tables_have_a_row_for_each_method(run):
    for table in ("accuracy", "quality", "generalization", "claims"):
        with (run.path / "results" / "smoke" / "tables" / f"{table}.csv").open(encoding="utf-8") as stream:
            assert len(list(csv.DictReader(stream))) >= 3


def test_the_report_is_one_file_with_all_tables_and_figures(run):
    report = (run.path / "results" / "smoke" / "report.html").read_text(encoding="utf-8")
    for name in ("accuracy.html", "cost.html", "precision-recall.png", "images.png"):
        assert name in report


def test_nothing_is_left_to_do_or_to_clean_up(run):
    assert run.dry_run("all").nothing_to_do
    results = run.path / "results"
    assert not [path for path in results.rglob("*") if path.is_file() and ".part" in path.name]


def test_the_same_run_again_gives_the_same_bytes(run):
    shard = run.path / "results" / "smoke" / "synthesis" / "prism" / "shard-0001.tar"
    before = shard.read_bytes()
    assert run.snakemake(str(shard.relative_to(run.path)), "--forcerun", "synthesize").status == 0
    assert shard.read_bytes() == before
