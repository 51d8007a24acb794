"""The stage: files appear whole, say the truth, and are the same when written again."""

import csv
import json

import numpy as np
import pytest

from prism.artifacts import progress_dir, verify
from prism.config import load_config
from prism.data import method_images
from prism.data.shards import Sample, read_shard, write_shard
from prism.data.sources import split_seed
from prism.distillation.stage import distill
from prism.distillation.trainer import Trainer
from prism.errors import DataError
from prism.models.checkpoints import load_classifier

from ..trainings import KilledError, dies_once


@pytest.fixture
def config(project_root, untrained, monkeypatch):
    monkeypatch.chdir(project_root)
    return load_config(
        project_root / "config/config.yaml",
        project_root / "config/smoke.yaml",
        overrides={
            "teacher": {"weights": str(untrained("miniature-resnet"))},
            "students": {"tiny": {"architecture": "miniature-student-small"}},
            "distillation": {"epochs": 2, "batch": 10},
            "device": "cpu",
            "precision": "fp32",
        },
    )


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results" / "x" / "distillation" / "vanilla" / "tiny" / "seed-0"


def test_a_student_its_numbers_and_its_history_are_written_and_no_progress_stays(config, shard, folder):
    distill(config, "vanilla", "tiny", 0, [shard], folder)
    assert {path.name for path in folder.iterdir()} == {
        "student.safetensors",
        "metrics.json",
        "history.csv",
        "manifest.json",
    }
    manifest = verify(folder / "manifest.json")
    assert (manifest.stage, manifest.count) == ("distillation", 20)
    assert set(manifest.inputs) == {"shard-0000.tar"} and len(manifest.run["epoch_seconds"]) == 2
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["method"], metrics["student"], metrics["seed"]) == ("vanilla", "tiny", 0)
    assert metrics["data_free"] is True and metrics["upper_bound"] is False
    assert all(0 <= metrics[key] <= 1 for key in ("accuracy", "teacher_accuracy", "agreement"))
    history = list(csv.DictReader((folder / "history.csv").open()))
    assert [line["epoch"] for line in history] == ["1", "2"]
    assert float(history[-1]["test_accuracy"]) == pytest.approx(metrics["accuracy"], abs=1e-5)
    student = load_classifier(folder / "student.safetensors")
    assert student.metadata["method"] == "vanilla" and len(student.class_names) == 10
    assert not progress_dir(folder).exists()


def test_how_often_a_student_is_tested_changes_its_curve_alone(config, shard, folder):
    def bytes_and_scores(test_every: int) -> tuple[bytes, list[str]]:
        settings = config.distillation.model_copy(update={"epochs": 5, "test_every": test_every})
        distill(config.model_copy(update={"distillation": settings}), "vanilla", "tiny", 0, [shard], folder)
        lines = csv.DictReader((folder / "history.csv").open())
        return (folder / "student.safetensors").read_bytes(), [line["test_accuracy"] for line in lines]

    often, seldom = bytes_and_scores(1), bytes_and_scores(3)
    assert seldom == (often[0], ["", "", often[1][2], "", often[1][4]])


def test_running_again_writes_the_same_bytes(config, shard, folder):
    names = ("student.safetensors", "metrics.json", "history.csv")
    distill(config, "vanilla", "tiny", 0, [shard], folder)
    first = {name: (folder / name).read_bytes() for name in names}
    distill(config, "vanilla", "tiny", 0, [shard], folder)
    assert first == {name: (folder / name).read_bytes() for name in names}
    distill(config, "vanilla", "tiny", 1, [shard], folder)
    assert first["student.safetensors"] != (folder / "student.safetensors").read_bytes()


def test_a_job_that_dies_leaves_no_output_behind(config, shard, folder, monkeypatch):
    def die(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "_end_epoch", die)
    with pytest.raises(KeyboardInterrupt):
        distill(config, "vanilla", "tiny", 0, [shard], folder)
    assert not folder.exists()


def test_the_real_upper_bound_takes_as_many_real_images_and_says_so(config, folder):
    distill(config, "real", "tiny", 0, [], folder)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["upper_bound"] is True and metrics["data_free"] is False
    assert metrics["n_train"] == 10 * config.synthesis.images_per_class


def test_killed_and_run_again_it_goes_on_and_ends_in_the_same_bytes(config, shard, folder, tmp_path, monkeypatch):
    whole = tmp_path / "results" / "whole" / "distillation" / "vanilla" / "tiny" / "seed-0"
    distill(config, "vanilla", "tiny", 0, [shard], whole)
    steps = dies_once(monkeypatch, 3)
    with pytest.raises(KilledError):
        distill(config, "vanilla", "tiny", 0, [shard], folder)
    assert not folder.exists()
    distill(config, "vanilla", "tiny", 0, [shard], folder)
    assert steps == [(0, 0), (0, 1), (1, 0), (1, 0), (1, 1)]
    for name in ("student.safetensors", "metrics.json", "history.csv"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes()


def test_a_data_free_method_draws_no_real_training_image(config, shard, folder, monkeypatch):
    asked = []
    load = method_images.load_source
    monkeypatch.setattr(method_images, "load_source", lambda spec, **o: (asked.append(o["seed"]), load(spec, **o))[1])
    distill(config, "vanilla", "tiny", 0, [shard], folder)
    assert asked == [split_seed(config.seed, "test")]


def test_shards_for_real_and_labels_beyond_the_classes_are_refused(config, shard, folder, tmp_path):
    with pytest.raises(DataError, match="real"):
        distill(config, "real", "tiny", 0, [shard], folder)
    other = tmp_path / "shard-0009.tar"
    image = np.zeros((32, 32, 3), np.uint8)
    write_shard(other, [Sample("0010-000000", image, {"class_index": 10})], {"stage": "synthesis", "recipe": {}})
    with pytest.raises(DataError, match="label 10"):
        distill(config, "vanilla", "tiny", 0, [other], folder)


def test_hard_labels_are_those_that_latent_cutmix_mixed_and_soft_ones_need_none(config, shard, folder):
    drawn = read_shard(shard)
    other = shard.with_name("shard-0001.tar")
    mixed = {"mixed_class_index": 9, "mix": 0.25}
    pairs = list(zip(drawn.keys, drawn.images, drawn.records, strict=True))
    samples = [Sample(key, image, {**record, **mixed}) for key, image, record in pairs]
    write_shard(other, samples, {"stage": "synthesis", "recipe": {}})

    def student(alpha, of):
        settings = config.distillation.model_copy(update={"alpha": alpha})
        distill(config.model_copy(update={"distillation": settings}), "vanilla", "tiny", 0, [of], folder)
        return (folder / "history.csv").read_bytes()

    assert student(0.5, other) != student(0.5, shard)
    assert student(0.0, other) == student(0.0, shard)
