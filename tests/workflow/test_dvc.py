"""Versions of results: run by DVC, pushed, pulled by a fresh clone that has nothing left to do, and compared."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from .conftest import REPOSITORY, Root
from .versioned import Project, new_project

SCALE = "config/methods.yaml:prism.guidance.0.scale=0.5"


def test_dvc_keeps_every_folder_of_results_that_the_default_experiment_makes(root):
    """What it did not keep, a fresh clone would make again."""
    summary = root.snakemake("--summary", "all", configfile=None)
    made = set(re.findall(r"^results/miniature/([^/\t]+)", summary.text, re.MULTILINE))
    stage = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text(encoding="utf-8"))["stages"]["miniature"]
    kept = {Path(next(iter(out))).name for out in [*stage["outs"], *stage["metrics"]]} - {"metadata"}
    assert made == kept, summary.text


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, store: Path) -> Project:
    """The first run, committed and pushed."""
    made = new_project(tmp_path_factory.mktemp("project"))
    made.ok("dvc repro")
    made.ok(f"dvc remote add --default store '{store}'")
    made.ok("git add dvc.lock .dvc/config && git commit --quiet --message 'first results'")
    made.ok("dvc push")
    return made


@pytest.mark.slow
def test_a_fresh_clone_pulls_the_results_and_has_nothing_to_do(project, tmp_path):
    project.ok(f"git clone --quiet . '{tmp_path}/clone'")
    clone = Project(Root(tmp_path / "clone"))
    clone.ok("dvc pull")
    answer = clone.run("snakemake -n all")
    assert answer.nothing_to_do, answer.text
    assert clone.numbers == project.numbers
    # a result that was changed by hand is noticed
    path = clone.results / "metrics.json"
    path.write_text(path.read_text(encoding="utf-8").replace("accuracy", "acuracy"), encoding="utf-8")
    assert "modified:           results/miniature/metrics.json" in clone.ok("dvc status")


@pytest.mark.slow
def test_an_experiment_with_another_scale_does_its_own_part_again_and_is_compared(project):
    before = project.numbers
    shards = {name: project.results / "synthesis" / name / "shard-0000.tar" for name in ("vanilla", "prism")}
    times = {name: shard.stat().st_mtime_ns for name, shard in shards.items()}
    assert "half" in project.ok(f"dvc exp run --name half --set-param '{SCALE}'")
    after = project.numbers
    assert after["vanilla"] == before["vanilla"] and after["prism"] != before["prism"]
    assert shards["vanilla"].stat().st_mtime_ns == times["vanilla"]
    assert shards["prism"].stat().st_mtime_ns != times["prism"]
    difference = json.loads(project.ok("dvc metrics diff --json"))
    assert {key.split(".")[0] for key in difference["results/miniature/metrics.json"]} == {"prism"}
    page = Path(project.ok("dvc plots diff --out plots").strip().splitlines()[-1].removeprefix("file://"))
    assert "precision-recall" in page.read_text(encoding="utf-8")
