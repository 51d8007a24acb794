"""The stage: whole shards that all later stages can read, equal bytes, nothing lost when it is killed."""

import numpy as np
import pytest
import torch

from prism.artifacts import progress_dir, sha256_file, verify
from prism.data.classes import load_classes
from prism.data.method_images import real_training_images
from prism.data.shards import manifest_path, read_shard
from prism.errors import ConfigError, EngineError, ModelError, ShardError
from prism.inversion import stage
from prism.inversion.real import convolution_moments, starts
from prism.inversion.stage import invert
from prism.inversion.student import train_student
from prism.models.checkpoints import load_classifier


@pytest.fixture
def output(tmp_path):
    return tmp_path / "results" / "x" / "synthesis" / "deepinversion" / "shard-0000.tar"


@pytest.mark.parametrize(
    "method",
    ["deepinversion", "plug-in-inversion", "sre2l", "g-vbsm", "prism-dd", "prism-dd-anew"]
    + ["g-vbsm-real-statistics", "prism-dd-real-init"],
)
def test_a_shard_of_every_method_holds_every_class(config, output, method, request):
    labelled = method in ("g-vbsm-real-statistics", "prism-dd-real-init")
    if not labelled:
        request.getfixturevalue("no_real_images")
    manifest = invert(config, method, 0, None, output)
    shard = read_shard(output)
    assert sorted(shard.labels) == list(range(10)) and shard.images.shape == (10, 16, 16, 3)
    record = shard.records[3]
    assert record["class_index"] == 3 and record["seed"] > 0 and record["prompt"] == ""
    assert np.isfinite(record["energy"]) and 0 <= record["teacher_confidence"] <= 1
    assert manifest.stage == "synthesis" and verify(manifest_path(output)).details["method"] == method
    assert manifest.details["data_free"] is not labelled and ("real" in manifest.recipe) is labelled
    several = method.startswith(("g-vbsm", "prism-dd"))
    assert set(manifest.models) == ({"teacher", "teachers.small"} if several else {"teacher"})
    assert not progress_dir(output).exists()


def test_a_student_is_trained_on_another_method_s_images_and_competed_with(config, output, tmp_path):
    invert(config, "deepinversion", 0, None, output)
    student = tmp_path / "results" / "x" / "inversion" / "adaptive-deepinversion" / "student.safetensors"
    told = train_student(config, "adaptive-deepinversion", [output], student)
    assert load_classifier(student).architecture == "miniature-student"
    assert verify(student.with_suffix(".json")) == told and told.inputs == {output.name: sha256_file(output)}
    again = student.with_name("again.safetensors")
    train_student(config, "adaptive-deepinversion", [output], again)
    assert again.read_bytes() == student.read_bytes()
    made = output.parent.with_name("adaptive-deepinversion") / output.name
    manifest = invert(config, "adaptive-deepinversion", 0, student, made)
    assert manifest.inputs == {"student": sha256_file(student)} and read_shard(made).images.shape == (10, 16, 16, 3)


def test_a_student_is_asked_for_where_one_is_needed_alone(config, output, tmp_path):
    with pytest.raises(EngineError, match="adaptive-deepinversion: needs the student that it competes with"):
        invert(config, "adaptive-deepinversion", 0, None, output)
    with pytest.raises(EngineError, match="method sre2l: competes with no student"):
        invert(config, "sre2l", 0, tmp_path / "student.safetensors", output)


def two_batches(config):
    """SRe2L in two batches of twenty images a shard."""
    return config.model_copy(
        update={"synthesis": config.synthesis.model_copy(update={"images_per_class": 4, "shards": 2})}
    )


def test_killed_in_a_later_batch_the_bytes_are_those_of_an_uninterrupted_run(config, output, tmp_path, monkeypatch):
    config = two_batches(config)
    invert(config, "sre2l", 1, None, output)
    again, steps = tmp_path / "results" / "y" / "synthesis" / "sre2l" / "shard-0001.tar", []
    original = stage.Inversion.step

    def dies(self, iteration, step):
        steps.append(step)
        if len(steps) == 12:
            raise KeyboardInterrupt
        original(self, iteration, step)

    run = stage.Inversion.run
    with monkeypatch.context() as patch:
        patch.setattr(stage.Inversion, "step", dies)
        patch.setattr(stage.Inversion, "run", lambda self, **given: run(self, seconds=0, **given))
        with pytest.raises(KeyboardInterrupt):
            invert(config, "sre2l", 1, None, again)
    assert not again.exists() and not manifest_path(again).exists()
    kept = sorted(path.name for path in progress_dir(again).rglob("batch-*"))
    assert kept == ["batch-00000.npz", "batch-00001.pt"]
    resumed = []
    monkeypatch.setattr(stage.Inversion, "step", lambda self, i, step: resumed.append(step) or original(self, i, step))
    invert(config, "sre2l", 1, None, again)
    assert sha256_file(again) == sha256_file(output)
    assert resumed == [3, 4, 5, 6, 7], "neither the finished batch nor the steps that were saved are done twice"


def test_a_damaged_finished_batch_is_optimised_again(config, output, tmp_path, monkeypatch, caplog):
    invert(config, "sre2l", 0, None, output)
    again = tmp_path / "results" / "y" / "synthesis" / "sre2l" / "shard-0000.tar"
    with monkeypatch.context() as patch:
        patch.setattr(stage, "write_shard", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            invert(config, "sre2l", 0, None, again)
    (saved,) = progress_dir(again).rglob("batch-*.npz")
    saved.write_bytes(saved.read_bytes()[:99])
    invert(config, "sre2l", 0, None, again)
    assert sha256_file(again) == sha256_file(output) and "optimised again" in caplog.text


def test_images_of_a_shard_do_not_depend_on_the_other_shards(config, output, tmp_path):
    """The seed of a batch is of its first image, not of its number."""
    config = two_batches(config)
    invert(config, "deepinversion", 1, None, output)
    first = read_shard(output)
    assert sorted({record["image_index"] for record in first.records}) == [2, 3]
    labels = [record["class_index"] for record in first.records]
    assert labels == sorted(labels) and len(labels) == 20


def test_images_that_are_no_numbers_end_in_one_line(config, output, monkeypatch):
    monkeypatch.setattr(stage.Inversion, "run", lambda self, **given: torch.full((10, 3, 16, 16), float("nan")))
    with pytest.raises(ModelError, match="methods.sre2l: image 0 of class 0 is not finite or constant; lower"):
        invert(config, "sre2l", 0, None, output)
    assert not output.exists()


def test_a_shard_too_small_for_batch_statistics_is_refused_before_any_model_is_loaded(config, output, monkeypatch):
    monkeypatch.setattr(stage, "load_classes", lambda path: ["one", "two", "three"])
    monkeypatch.setattr(stage, "load_teacher", lambda *given: pytest.fail("a teacher was loaded"))
    with pytest.raises(
        ConfigError,
        match="a batch has only 3 images, but batch statistics need 8; synthesis.images_per_class=6 would do",
    ):
        invert(config, "sre2l", 0, None, output)


@pytest.mark.parametrize("shard", [-1, 2])
def test_a_shard_beyond_the_plan_is_refused(config, output, shard):
    with pytest.raises(ShardError, match=f"there is no shard {shard}; synthesis.shards=2, so 0 to 1"):
        invert(config, "sre2l", shard, None, output)


@pytest.mark.parametrize("images", [1, 3])
def test_a_method_of_a_size_of_its_own_makes_so_many_images_in_as_many_shards(config, output, images):
    small = config.methods["sre2l"].model_copy(update={"images_per_class": images})
    config = config.model_copy(update={"methods": {**config.methods, "small": small}})
    invert(config, "small", 0, None, output)
    assert len(read_shard(output).images) == 10 * images
    with pytest.raises(ShardError, match="there is no shard 1"):  # two do not divide them
        invert(config, "small", 1, None, output)


def test_real_starts_are_the_class_s_own_images_and_moments_those_of_all_activations(config):
    images = real_training_images(config, load_classes(config.classes), size_px=16, count=2)
    picked = starts(images, [(3, 1), (0, 0), (3, 3)])
    own = images.images[images.labels == 3]
    assert torch.equal((picked[0] * 255).round().to(torch.uint8), torch.from_numpy(own[1]).permute(2, 0, 1))
    assert torch.equal(picked[0], picked[2]), "too few real images come again"
    teacher = load_classifier(config.teacher.weights)
    found = convolution_moments(teacher, images, torch.device("cpu"))
    shown = teacher.preprocess(torch.from_numpy(images.images).permute(0, 3, 1, 2) / 255)
    first = found["trunk.0"].channels
    torch.testing.assert_close(first.mean, shown.mean(dim=(0, 2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(first.variance, shown.var(dim=(0, 2, 3), correction=0), rtol=1e-4, atol=1e-5)
    assert set(found) == {f"trunk.{index}" for index in (0, 3, 6, 9)}
    assert found["trunk.0"].patches is None
    of_patches = convolution_moments(teacher, images, torch.device("cpu"), patch_px=4)["trunk.0"].patches
    corner = shown[:, :, 4:8, 12:]  # second row of four, last column
    torch.testing.assert_close(of_patches.mean[7], corner.mean(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(of_patches.variance[7], corner.var(correction=0), rtol=1e-4, atol=1e-5)
    assert of_patches.mean.shape == (16,)


def test_a_teacher_without_batchnorm_is_refused_before_anything_is_loaded(config, output, monkeypatch):
    monkeypatch.setattr(stage, "load_teacher", lambda *given: pytest.fail("nothing should be loaded"))
    without = config.teacher.model_copy(update={"architecture": "miniature-mixer"})
    with pytest.raises(ConfigError, match="methods.sre2l needs BatchNorm, but teacher.architecture=miniature-mixer"):
        invert(config.model_copy(update={"teacher": without}), "sre2l", 0, None, output)
