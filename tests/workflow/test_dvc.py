"""Versions of results: run by DVC, pushed, pulled by a fresh clone that has nothing left to do, and compared."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import REPOSITORY, Answer, Root, copied, with_real_models

pytestmark = pytest.mark.slow

SCALE = "config/methods.yaml:prism.guidance.0.scale=0.5"


@dataclass(frozen=True)
class Project:
    """A git repository of the project whose default experiment, for DVC, is the smoke run."""

    root: Root

    def run(self, *command: str) -> Answer:
        sources = [str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", "")]
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sources)), "PATH": programs}
        environment |= {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(command, cwd=self.root.path, env=environment, capture_output=True, text=True, check=False)
        return Answer(done.returncode, done.stdout + done.stderr)

    def ok(self, *command: str) -> str:
        answer = self.run(*command)
        assert answer.status == 0, answer.text
        return answer.text

    @property
    def numbers(self) -> dict:
        return json.loads((self.root.path / "results/smoke/metrics.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, store: Path) -> Project:
    """The first run, committed and pushed."""
    place = tmp_path_factory.mktemp("project")
    made = Project(with_real_models(copied(place)))
    for name in (".dvc", "src"):
        shutil.copytree(REPOSITORY / name, place / name, ignore=shutil.ignore_patterns("__pycache__", "tmp", "cache"))
    for name in (".dvcignore", ".gitignore"):
        shutil.copy2(REPOSITORY / name, place / name)
    text = (REPOSITORY / "dvc.yaml").read_text(encoding="utf-8")
    text = text.replace("results/miniature", "results/smoke").replace(
        "snakemake --cores all all", "snakemake --cores all all --configfile config/smoke.yaml"
    )
    tokens = "      - results/smoke/tokens: {persist: true}\n"  # no method of the smoke run has any
    assert tokens in text
    (place / "dvc.yaml").write_text(text.replace(tokens, ""), encoding="utf-8")
    made.ok("git", "init", "--quiet")
    made.ok("git", "add", "--all")
    made.ok("git", "commit", "--quiet", "--message", "begin")
    made.ok("dvc", "repro")
    made.ok("dvc", "remote", "add", "--default", "store", str(store))
    made.ok("git", "add", "dvc.lock", ".dvc/config")
    made.ok("git", "commit", "--quiet", "--message", "first results")
    made.ok("dvc", "push")
    return made


def test_a_fresh_clone_pulls_the_results_and_has_nothing_to_do(project, tmp_path):
    clone = Project(Root(tmp_path / "clone"))
    subprocess.run(["git", "clone", "--quiet", str(project.root.path), str(clone.root.path)], check=True)
    clone.ok("dvc", "pull")
    answer = clone.run("snakemake", "-n", "all", "--configfile", "config/smoke.yaml")
    assert answer.nothing_to_do, answer.text
    assert clone.numbers == project.numbers
    # a result that was changed by hand is noticed
    path = clone.root.path / "results/smoke/metrics.json"
    path.write_text(path.read_text(encoding="utf-8").replace("accuracy", "acuracy"), encoding="utf-8")
    assert "modified:           results/smoke/metrics.json" in clone.ok("dvc", "status")


def test_an_experiment_with_another_scale_does_its_own_part_again_and_is_compared(project):
    before = project.numbers
    shard = project.root.path / "results/smoke/synthesis/{}/shard-0000.tar"
    times = {name: Path(str(shard).format(name)).stat().st_mtime_ns for name in ("vanilla", "prism")}
    told = project.ok("dvc", "exp", "run", "--name", "half", "--set-param", SCALE)
    assert "half" in told
    after = project.numbers
    assert after["vanilla"] == before["vanilla"] and after["prism"] != before["prism"]
    assert Path(str(shard).format("vanilla")).stat().st_mtime_ns == times["vanilla"]
    assert Path(str(shard).format("prism")).stat().st_mtime_ns != times["prism"]
    difference = json.loads(project.ok("dvc", "metrics", "diff", "--json"))
    assert {key.split(".")[0] for key in difference["results/smoke/metrics.json"]} == {"prism"}
    shown = project.ok("dvc", "plots", "diff", "--out", "plots")
    page = Path(shown.strip().splitlines()[-1].removeprefix("file://"))
    assert "precision-recall" in page.read_text(encoding="utf-8")
