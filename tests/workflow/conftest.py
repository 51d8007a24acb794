"""A folder to run Snakemake in: the repository's own workflow, with stand-ins for models and results.

A run of Snakemake takes seconds: tests share what it said, and ask several things of one run.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from prism.data.sources import world_names

from ..processes import ended_after, started

REPOSITORY = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 1800  # of a run in a test; one that hangs fails instead of holding up all others
COPIED = ("Snakefile", "workflow", "scripts", "config")
MODELS = (
    "teachers/miniature-resnet/model.safetensors",
    "teachers/miniature-vgg/model.safetensors",
    "teachers/miniature-mobilenet/model.safetensors",
    "text-to-image/model_index.json",
    "tiny-decoder/config.json",
    "language-model/config.json",
    "features/model.safetensors",
    "oracle/model.safetensors",
)


@dataclass(frozen=True)
class Answer:
    """What Snakemake said, and with which status it ended."""

    status: int
    text: str

    @property
    def jobs(self) -> dict[str, int]:
        """Number of jobs by rule, from the table of a dry run."""
        table = self.text.partition("Job stats:")[2].partition("total")[0]
        return {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)$", table, re.MULTILINE)}

    @property
    def messages(self) -> set[str]:
        """The rules' own messages, one for each job that would run."""
        return set(re.findall(r"^Job \d+: (.+)$", self.text, re.MULTILINE))

    @property
    def nothing_to_do(self) -> bool:
        return "Nothing to be done" in self.text


@dataclass(frozen=True)
class Root:
    """A copy of the workflow in a folder of its own."""

    path: Path

    def snakemake(self, *arguments: str, configfile: str | None = "config/smoke.yaml") -> Answer:
        with ended_after(self.start(*arguments, configfile=configfile)) as process:
            text, _ = process.communicate(timeout=LONGEST_SECONDS)
        return Answer(process.returncode, text)

    def start(self, *arguments: str, configfile: str | None = "config/smoke.yaml") -> subprocess.Popen[str]:
        """Snakemake, running, in a session of its own, stdout and stderr together."""
        command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
        if configfile is not None:
            command += ["--configfile", configfile]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE_")}
        sources = [str(REPOSITORY / "src"), environment.get("PYTHONPATH", "")]
        environment |= {"PYTHONPATH": os.pathsep.join(filter(None, sources)), "PYTHONDONTWRITEBYTECODE": "1"}
        return started(command, cwd=self.path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def inputs(self, *arguments: str, configfile: str = "config/smoke.yaml") -> dict[str, list[str]]:
        """What each output of a finished run is made from."""
        answer = self.snakemake("--detailed-summary", "all", *arguments, configfile=configfile)
        lines = [line for line in answer.text.splitlines() if "\t" in line]
        assert lines, answer.text
        rows = csv.DictReader(io.StringIO("\n".join(lines)), delimiter="\t")
        return {row["output_file"]: row["input-file(s)"].split(",") for row in rows}

    def dry_run(self, *arguments: str, configfile: str | None = "config/smoke.yaml") -> Answer:
        return self.snakemake("--dry-run", *arguments, configfile=configfile)


def copied(folder: Path) -> Root:
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    (folder / "profiles").symlink_to("workflow/profiles")
    return Root(folder)


def with_models(root: Root) -> Root:
    """``root``, with empty files for the miniature's models."""
    for name in MODELS:
        path = root.path / "assets" / "miniature" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def with_real_folders(root: Root) -> Root:
    """``root``, with folders for real images of the miniature's classes below ``real/``, all of them empty."""
    for folder in ("train", "test", "sketches"):
        for name in world_names():
            (root.path / "real" / folder / name).mkdir(parents=True, exist_ok=True)
    return root


def with_real_models(root: Root) -> Root:
    """``root``, with the miniature's own models; skips where they are not."""
    place = REPOSITORY / "assets" / "miniature"
    missing = [name for name in MODELS if not (place / name).is_file()]
    if missing:
        pytest.skip(f"assets/miniature lacks {', '.join(missing)}")
    (root.path / "assets").mkdir()
    (root.path / "assets" / "miniature").symlink_to(place)
    return root


def result_hashes(root: Root) -> dict[str, str]:
    """Hashes of all results of the smoke run whose bytes follow from the configuration: nothing that holds times."""
    folder = root.path / "results" / "smoke"
    kinds = [
        "prompts/*.jsonl",
        "synthesis/*/*.tar",
        "distillation/**/student.safetensors",
        "distillation/**/history.csv",
    ]
    kinds += ["distillation/**/metrics.json", "generalization/**/*.json", "figures/*.png", "metrics.json"]
    kinds += [f"tables/{name}.*" for name in ("accuracy", "quality", "generalization", "claims")]
    found = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for kind in kinds
        for path in folder.glob(kind)
    }
    assert len(found) > 30, sorted(found)
    return found


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """The workflow with empty files for models: enough for a dry run, and nothing was run yet."""
    return with_models(copied(tmp_path_factory.mktemp("workflow")))


@pytest.fixture(scope="session")
def whole(root: Root) -> Answer:
    """What a dry run of the default target says, where nothing was run yet."""
    return root.dry_run()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, root: Root) -> Root:
    """The same after a run of the smoke configuration, as far as Snakemake knows."""
    return pretend_finished(root, tmp_path_factory.mktemp("finished") / "root", "config/smoke.yaml")


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Root:
    """The whole smoke run with the miniature's own models, undisturbed; a module's own, since its tests change it."""
    made = with_real_models(copied(tmp_path_factory.mktemp("calm")))
    answer = made.snakemake("all")
    assert answer.status == 0, answer.text
    return made


def pretend_finished(root: Root, folder: Path, *configfiles: str) -> Root:
    """A copy in which every output is a stand-in that Snakemake takes for its own."""
    given = ("--configfile", *configfiles)
    shutil.copytree(root.path, folder, symlinks=True)
    made = Root(folder)
    summary = made.snakemake("--summary", "all", *given, configfile=None)
    outputs = [line.split("\t")[0] for line in summary.text.splitlines() if line.startswith("results/")]
    assert outputs, summary.text
    for output in outputs:
        path = folder / output
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(output, encoding="utf-8")
    touched = made.snakemake("--touch", "--forceall", "all", *given, configfile=None)
    assert touched.status == 0, touched.text
    return made
