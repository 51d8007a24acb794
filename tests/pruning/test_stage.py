"""The stage: a network, its scores and its manifest, the same bytes each time, and no real image in the training."""

from __future__ import annotations

import json

import pytest

from prism.artifacts import progress_dir, verify
from prism.config import load_config
from prism.data.shards import Sample, sample_key, write_shard
from prism.errors import ConfigError, DataError
from prism.miniature.sources import world_images
from prism.models.checkpoints import load_classifier, save_model
from prism.models.classifiers import build
from prism.pruning import stage
from prism.pruning.masks import prunable
from prism.pruning.stage import prune
from prism.tables.frame import collect

NAMES = ("pruned.safetensors", "metrics.json")


@pytest.fixture
def config(project_root, tmp_path, monkeypatch):
    monkeypatch.chdir(project_root)
    teacher = tmp_path / "teacher.safetensors"
    description = {"architecture": "miniature-student-small", "num_classes": 10, "size_px": 32}
    description |= {"mean": [0.5] * 3, "std": [0.25] * 3}
    save_model(teacher, build("miniature-student-small", 10, seed=0), description)
    return load_config(
        project_root / "config/smoke.yaml",
        overrides={
            "teacher": {"architecture": "miniature-student-small", "weights": str(teacher)},
            "pruning": {"epochs": 2, "batch": 8},
            "device": "cpu",
        },
    )


@pytest.fixture
def shard(tmp_path):
    drawn = world_images("sketch", 2, 5)
    samples = [
        Sample(sample_key(int(label), index % 2), image, {"class_index": int(label)})
        for index, (image, label) in enumerate(zip(drawn.images, drawn.labels, strict=True))
    ]
    path = tmp_path / "results" / "x" / "synthesis" / "vanilla" / "shard-0000.tar"
    write_shard(path, samples, {"stage": "synthesis", "recipe": {}})
    return path


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


def test_a_data_free_method_draws_no_real_training_image_and_the_upper_bound_does(config, shard, folder, monkeypatch):
    asked = []
    load = stage.load_source
    monkeypatch.setattr(stage, "load_source", lambda spec, **o: (asked.append(o["seed"]), load(spec, **o))[1])
    prune(config, "vanilla", 0.5, 0, [shard], folder)
    assert asked == [stage.split_seed(config.seed, "test")]
    prune(config, "real", 0.5, 0, [], folder)
    assert asked[1:] == [stage.split_seed(config.seed, "train"), stage.split_seed(config.seed, "test")]
    assert json.loads((folder / "metrics.json").read_text())["upper_bound"] is True


def test_what_does_not_fit_is_refused(config, shard, folder):
    with pytest.raises(DataError, match="engine real"):
        prune(config, "real", 0.5, 0, [shard], folder)
    with pytest.raises(ConfigError, match="pruning: not set"):
        prune(config.model_copy(update={"pruning": None}), "vanilla", 0.5, 0, [shard], folder)
    assert not folder.exists()
