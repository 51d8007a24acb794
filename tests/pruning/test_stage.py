"""The stage: a network, its scores and its manifest, the same bytes each time, and no real image in the training."""

from __future__ import annotations

import json

import pytest

from prism.artifacts import progress_dir, verify
from prism.config import load_config
from prism.data import method_images
from prism.data.sources import split_seed
from prism.errors import ConfigError, DataError
from prism.models.checkpoints import load_classifier
from prism.pruning.masks import prunable
from prism.pruning.stage import prune
from prism.tables.frame import collect

from ..trainings import KilledError, dies_once

NAMES = ("pruned.safetensors", "metrics.json")


@pytest.fixture
def config(project_root, untrained, monkeypatch):
    monkeypatch.chdir(project_root)
    name = "miniature-student-small"
    return load_config(
        project_root / "config/smoke.yaml",
        overrides={
            "teacher": {"architecture": name, "weights": str(untrained(name))},
            "pruning": {"epochs": 2, "batch": 8},
            "device": "cpu",
        },
    )


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results" / "x" / "pruning" / "vanilla" / "sparsity-0.7" / "seed-0"


def test_a_pruned_network_its_scores_and_its_manifest_are_written_the_same_each_time(config, shard, folder):
    prune(config, "vanilla", 0.7, 0, [shard], folder)
    assert {path.name for path in folder.iterdir()} == {*NAMES, "manifest.json"}
    manifest = verify(folder / "manifest.json")
    assert (manifest.stage, manifest.count, manifest.recipe["sparsity"]) == ("pruning", 20, 0.7)
    assert set(manifest.inputs) == {"shard-0000.tar"} and not progress_dir(folder).exists()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["method"], metrics["seed"], metrics["sparsity"]) == ("vanilla", 0, 0.7)
    assert metrics["data_free"] is True and metrics["upper_bound"] is False and len(metrics["losses"]) == 2
    scores = ("accuracy", "untuned_accuracy", "teacher_accuracy", "agreement")
    assert all(0 <= metrics[key] <= 1 for key in scores)
    network = load_classifier(folder / "pruned.safetensors").network
    filters = [layer.weight.flatten(1).abs().sum(dim=1) for layer in prunable(network)]
    assert [int((norms == 0).sum()) for norms in filters] == [round(0.7 * len(norms)) for norms in filters]
    assert metrics["weights"] == sum(layer.weight.numel() for layer in prunable(network))
    assert metrics["weights_removed"] == sum(int((layer.weight == 0).sum()) for layer in prunable(network))
    frame = collect([folder / "metrics.json"])
    assert set(frame["stage"]) == {"pruning"} and set(frame[frame["metric"] == "accuracy"]["domain"]) == {"0.7"}
    first = {name: (folder / name).read_bytes() for name in NAMES}
    prune(config, "vanilla", 0.7, 0, [shard], folder)
    assert first == {name: (folder / name).read_bytes() for name in NAMES}


def test_killed_and_run_again_it_goes_on_and_ends_in_the_same_bytes(config, shard, folder, tmp_path, monkeypatch):
    whole = tmp_path / "results" / "whole" / "pruning" / "vanilla" / "sparsity-0.7" / "seed-0"
    prune(config, "vanilla", 0.7, 0, [shard], whole)
    steps = dies_once(monkeypatch, 3)
    with pytest.raises(KilledError):
        prune(config, "vanilla", 0.7, 0, [shard], folder)
    assert not folder.exists()
    prune(config, "vanilla", 0.7, 0, [shard], folder)
    assert steps[2] == steps[3] and len(set(steps)) == len(steps) - 1, "the killed step alone is begun again"
    assert all((folder / name).read_bytes() == (whole / name).read_bytes() for name in NAMES)


def test_a_data_free_method_draws_no_real_training_image_and_the_upper_bound_does(config, shard, folder, monkeypatch):
    asked = []
    load = method_images.load_source
    monkeypatch.setattr(method_images, "load_source", lambda spec, **o: (asked.append(o["seed"]), load(spec, **o))[1])
    prune(config, "vanilla", 0.5, 0, [shard], folder)
    assert asked == [split_seed(config.seed, "test")]
    prune(config, "real", 0.5, 0, [], folder)
    assert asked[1:] == [split_seed(config.seed, "train"), split_seed(config.seed, "test")]
    assert json.loads((folder / "metrics.json").read_text())["upper_bound"] is True


def test_a_method_labelled_as_not_data_free_is_so_here_too(config, shard, folder):
    prune(config, "prism-dd-real-init", 0.5, 0, [shard], folder)
    assert json.loads((folder / "metrics.json").read_text())["data_free"] is False


def test_what_does_not_fit_is_refused(config, shard, folder):
    with pytest.raises(DataError, match="engine real"):
        prune(config, "real", 0.5, 0, [shard], folder)
    with pytest.raises(ConfigError, match="pruning: not set"):
        prune(config.model_copy(update={"pruning": None}), "vanilla", 0.5, 0, [shard], folder)
    assert not folder.exists()
