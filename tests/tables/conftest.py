"""Made-up results of an experiment with four methods, one student and two domains."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prism.config import ClaimConfig
from prism.tables.context import Context

PARTS = ("energy", "senses", "contents", "styles")
ACCURACIES = {"vanilla": 0.50, "eda": 0.58, "prism": 0.70, "prism-no-styles": 0.66, "real": 0.90}


@pytest.fixture
def context() -> Context:
    """The names and parts that go with ``results``."""
    return Context(
        methods={
            "vanilla": "Vanilla",
            "eda": "+EDA",
            "prism": "PRISM",
            "prism-no-styles": "no styles",
            "real": "Real",
        },
        students={"net": "Net"},
        domains=("sketch", "cartoon"),
        strategies={"vanilla": "class-name", "eda": "class-name", "prism": "diversified"},
        parts={
            "vanilla": frozenset(),
            "eda": frozenset({"energy"}),
            "prism": frozenset(PARTS),
            "prism-no-styles": frozenset(PARTS) - {"styles"},
        },
        class_names=("crane", "bat"),
        other_domains=("sketch", "cartoon"),
        claims={
            "parts": ClaimConfig(
                statement="All parts are better than one.",
                source="a test",
                mark="ours",
                kind="greater",
                metric="accuracy",
                order=["prism", "eda", "vanilla"],
            )
        },
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Any], Path]:
    """Write one JSON file below the test's folder."""

    def _write(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return _write


@pytest.fixture
def results(write: Callable[[str, Any], Path]) -> list[Path]:
    """All JSON results, three seeds each; the seeds of a method lie 0.01 apart."""
    paths = []
    for method, accuracy in ACCURACIES.items():
        for seed in range(3):
            who = {"method": method, "student": "net", "seed": seed}
            scores = {"accuracy": accuracy + 0.01 * (seed - 1), "teacher_accuracy": 0.95}
            folder = f"distillation/{method}/net/seed-{seed}"
            paths.append(write(f"{folder}/metrics.json", who | scores))
            run = {"seconds": 10.0, "peak_memory_mb": 500.0}
            write(f"{folder}/manifest.json", manifest("distillation", who, run=run))
            _history(paths[-1].with_name("history.csv"), scores["accuracy"])
            shift = accuracy + 0.01 * (seed - 1)
            domains = {"sketch": {"accuracy": shift - 0.2, "n": 9}, "cartoon": {"accuracy": shift, "n": 9}}
            paths.append(write(f"generalization/{method}/net/seed-{seed}.json", who | {"domains": domains}))
        paths.append(write(f"evaluation/{method}.json", evaluation(method, accuracy)))
        for shard in range(2):
            run = {"seconds": 20.0 + shard, "peak_memory_mb": 900.0 + shard}
            name = f"synthesis/{method}/shard-{shard:04d}.json"
            paths.append(write(name, manifest("synthesis", {"method": method}, count=10, run=run)))
    prompts = manifest("prompts", {"strategy": {"name": "class-name"}}, count=20, run={"seconds": 3.0})
    paths.append(write("prompts/class-name.json", prompts))
    return paths


@pytest.fixture
def pruned(write: Callable[[str, Any], Path]) -> list[Path]:
    """Pruned networks of two methods, at two sparsities, two seeds each."""
    paths = []
    for method, level in {"prism": 0.8, "vanilla": 0.6}.items():
        for sparsity, loss in ((0.9, 0.2), (0.5, 0.0)):
            for seed in range(2):
                scores = {"accuracy": level - loss + 0.01 * (2 * seed - 1), "untuned_accuracy": 0.3 - loss}
                about = {"method": method, "seed": seed, "sparsity": sparsity, "kind": "structured"}
                name = f"pruning/{method}/sparsity-{sparsity}/seed-{seed}/metrics.json"
                paths.append(write(name, about | scores | {"teacher_accuracy": 0.95}))
                made = manifest("pruning", {"method": method}, count=40, run={"seconds": 9.0})
                write(name.replace("metrics", "manifest"), made)  # read with the metrics, as of a real run
    return paths


def manifest(stage: str, recipe: dict[str, Any], *, count: int = 1, run: dict[str, Any]) -> dict[str, Any]:
    """A manifest as ``prism.artifacts`` writes it, without the fields that tables do not read."""
    return {
        "stage": stage,
        "recipe": recipe,
        "recipe_hash": "0" * 16,
        "count": count,
        "details": {},
        "run": run,
    }


def evaluation(method: str, level: float) -> dict[str, Any]:
    """An evaluation whose metrics rise with ``level``."""
    return {
        "method": method,
        "metrics": {
            "fid": 100 * (1 - level),
            "precision": level,
            "recall": 1 - level / 2,
            "oracle_sense": level,
        },
        "protocol": {"names": {"precision": "precision_miniature_k3_n100"}},
        "histograms": {"energy": {"edges": [-3, -2, -1], "synthetic": [0.3, 0.7], "real": [0.6, 0.4]}},
    }


def _history(path: Path, accuracy: float) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", "loss", "agreement", "test_accuracy"])
        writer.writerows([epoch, 1 / epoch, 0.9, accuracy * epoch / 5] for epoch in range(1, 6))
