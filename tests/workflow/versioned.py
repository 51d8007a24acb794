"""A git repository of the project, for DVC, whose default experiment is the smoke run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from prism.config.load import merge

from .conftest import REPOSITORY, Answer, Root, copied, with_real_models

EXPERIMENT = "miniature"  # keeps its name, so that dvc.yaml and the documents fit
LEFT_OUT = "      - results/miniature/tokens: {persist: true}\n"  # no method of the smoke run has any


@dataclass(frozen=True)
class Project:
    """A clone, and the environment in which its commands run."""

    root: Root
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, command: str) -> Answer:
        """A line of a shell."""
        sources = [str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", "")]
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sources)), "PATH": programs}
        environment |= {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environment |= self.environment
        shell = ["bash", "-e", "-o", "pipefail", "-c", command]
        done = subprocess.run(shell, cwd=self.root.path, env=environment, capture_output=True, text=True, check=False)
        return Answer(done.returncode, done.stdout + done.stderr)

    def ok(self, command: str) -> str:
        answer = self.run(command)
        assert answer.status == 0, f"{command}\n{answer.text}"
        return answer.text

    @property
    def results(self) -> Path:
        return self.root.path / "results" / EXPERIMENT

    @property
    def numbers(self) -> dict:
        return json.loads((self.results / "metrics.json").read_text(encoding="utf-8"))


def new_project(place: Path, **environment: str) -> Project:
    """The repository with its first commit; nothing was run yet."""
    made = Project(with_real_models(copied(place)), environment)
    for name in (".dvc", "src"):
        shutil.copytree(REPOSITORY / name, place / name, ignore=shutil.ignore_patterns("__pycache__", "tmp", "cache"))
    (place / "docs").mkdir()
    for name in (".dvcignore", ".gitignore", "docs/throughput.csv"):
        shutil.copy2(REPOSITORY / name, place / name)
    default, smoke = (
        yaml.safe_load((place / "config" / name).read_text(encoding="utf-8")) for name in ("config.yaml", "smoke.yaml")
    )
    merged = merge(default, smoke) | {"experiment": EXPERIMENT}
    (place / "config/config.yaml").write_text(yaml.safe_dump(merged, sort_keys=False), encoding="utf-8")
    text = (REPOSITORY / "dvc.yaml").read_text(encoding="utf-8")
    assert LEFT_OUT in text
    (place / "dvc.yaml").write_text(text.replace(LEFT_OUT, ""), encoding="utf-8")
    made.ok("git init --quiet && git add --all && git commit --quiet --message begin")
    return made
