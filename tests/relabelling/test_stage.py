"""The stage: labels are the teachers' answers on views that the student then sees, bit for bit; a kill loses little."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional

from prism.artifacts import progress_dir, verify
from prism.config import load_config
from prism.data.shards import Sample, read_shard, write_shard
from prism.data.soft_labels import SoftLabels
from prism.distillation.stage import distill
from prism.errors import ConfigError, DataError, ModelError
from prism.miniature.sources import world_images
from prism.models.checkpoints import Classifier, save_model
from prism.models.classifiers import build
from prism.models.teacher import Teacher, load_teacher
from prism.models.training.loop import Training
from prism.relabelling import progress
from prism.relabelling.stage import Labeller, relabel

ABOUT = {"num_classes": 10, "size_px": 32, "mean": [0.5] * 3, "std": [0.25] * 3}
ENSEMBLE = "ensemble"


@pytest.fixture
def config(project_root, untrained, monkeypatch):
    monkeypatch.chdir(project_root)
    names = ("miniature-student-small", "miniature-student")
    teacher, other = (
        {"architecture": name, "weights": str(untrained(name, seed=seed))} for seed, name in enumerate(names)
    )
    methods = {
        "single": {"relabel": {"batch": 3, "cutmix": 0.0}},
        ENSEMBLE: {"relabel": {"batch": 7, "teachers": [other], "training": {"loss": "mse", "hard_weight": 0.1}}},
    }
    return load_config(
        "config/config.yaml",
        "config/smoke.yaml",
        overrides={
            "teacher": teacher,
            "students": {"tiny": {"architecture": "miniature-student-small"}},
            "distillation": {"epochs": 2, "batch": 5},
            "methods": {name: {"prompts": "class-name", **method} for name, method in methods.items()},
            "run": ["vanilla", *methods],
            "device": "cpu",
            "precision": "fp32",
        },
    )


@pytest.fixture
def output(tmp_path):
    return tmp_path / "results" / "x" / "relabelling" / "any.safetensors"


def test_a_label_is_the_teacher_s_answer_on_the_part_that_the_file_names(config, shard, output, no_real_images):
    manifest = relabel(config, "single", [shard], output)
    assert verify(output.with_suffix(".json")) == manifest and manifest.count == 20
    assert not progress_dir(output).exists()
    labels, teacher = SoftLabels(output), load_teacher(config.teacher, 10)
    pictures = torch.from_numpy(_pictures(shard)).permute(0, 3, 1, 2).float() / 255
    for epoch in range(2):
        logits, views = labels.epoch(epoch)
        assert logits.dtype == torch.float16
        for index in range(0, 20, 6):
            top, left, height, width = views.boxes[index].tolist()
            part = pictures[index : index + 1, :, top : top + height, left : left + width]
            view = functional.interpolate(part, (32, 32), mode="bilinear", align_corners=False)
            with torch.no_grad():
                answer = teacher(view.flip(3) if views.flips[index] else view)
            assert torch.allclose(logits[index].float(), answer[0], atol=2e-3, rtol=2e-3)


def test_bytes_of_labels_and_images_are_counted(config, shard, output):
    relabel(config, "single", [shard], output)
    details = json.loads(output.with_suffix(".json").read_text())["details"]
    assert details["label_bytes"] == output.stat().st_size > details["logit_bytes"] == 2 * 20 * 10 * 2
    assert details["image_bytes"] == shard.stat().st_size and details["method"] == "single"


@pytest.mark.parametrize("method", ["single", ENSEMBLE])
def test_the_student_sees_what_the_teachers_saw_bit_for_bit(config, shard, output, tmp_path, monkeypatch, method):
    seen, lessons = [], {}
    forward = Teacher.forward
    with monkeypatch.context() as patch:
        patch.setattr(Teacher, "forward", lambda self, x: (seen.append(x.clone()), forward(self, x))[1])
        relabel(config, method, [shard], output)
    teachers = len(config.label_teachers(method))
    assert len(seen) == teachers * 2 * -(-20 // config.methods[method].relabel.batch)
    asked = torch.cat(seen[::teachers]).unflatten(0, (2, 20))  # (epochs, images, 3, 32, 32), in the order of images
    step, both = Training.step, Classifier.logits_and_features
    now = []
    monkeypatch.setattr(Training, "step", lambda self, e, n, i: (now.append((e, i)), step(self, e, n, i)))

    def learn(self, pixels):
        epoch, indices = now[-1]
        lessons.update({(epoch, int(index)): pixel.clone() for index, pixel in zip(indices, pixels, strict=True)})
        return both(self, pixels)

    monkeypatch.setattr(Classifier, "logits_and_features", learn)
    distill(config, method, "tiny", 0, [shard], tmp_path / "student", output)
    assert len(lessons) == 40
    assert all(torch.equal(pixels, asked[place]) for place, pixels in lessons.items())
    assert json.loads((tmp_path / "student" / "manifest.json").read_text())["inputs"].keys() == {
        "shard-0000.tar",
        "labels",
    }


def test_a_student_of_stored_labels_is_the_same_when_trained_again(config, shard, output, tmp_path):
    relabel(config, ENSEMBLE, [shard], output)
    for name in ("one", "two"):
        distill(config, ENSEMBLE, "tiny", 0, [shard], tmp_path / name, output)
    for name in ("student.safetensors", "metrics.json", "history.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("dies_at", [1, 4, 5])
def test_a_killed_job_goes_on_and_ends_in_the_same_bytes(config, shard, output, tmp_path, monkeypatch, dies_at):
    whole = tmp_path / "results" / "x" / "relabelling" / "whole.safetensors"
    relabel(config, ENSEMBLE, [shard], whole)
    call, calls = Labeller.__call__, []

    def dying(self, views, indices):
        calls.append(len(indices))
        if len(calls) == dies_at + 1:
            raise KeyboardInterrupt
        return call(self, views, indices)

    # Every batch is saved at once: of six batches, dies_at are finished.
    monkeypatch.setattr(progress.Parts.__init__, "__defaults__", (0.0,))
    monkeypatch.setattr(Labeller, "__call__", dying)
    with pytest.raises(KeyboardInterrupt):
        relabel(config, ENSEMBLE, [shard], output)
    assert not output.exists()
    for path in progress_dir(output).rglob("seconds"):
        path.write_text("1000.0\n")
    again = []
    monkeypatch.setattr(Labeller, "__call__", lambda self, v, i: (again.append(len(i)), call(self, v, i))[1])
    manifest = relabel(config, ENSEMBLE, [shard], output)
    assert len(again) == 6 - dies_at
    assert manifest.run["seconds"] >= 1000  # those of the killed job too
    assert output.read_bytes() == whole.read_bytes()


def test_labels_of_another_arithmetic_are_not_gone_on_from(config, shard, output, tmp_path, monkeypatch):
    """``precision: auto`` is bf16 on one machine and fp32 on another, whose answers differ: a file is of one alone."""
    whole = tmp_path / "results" / "x" / "relabelling" / "whole.safetensors"
    config = config.model_copy(update={"precision": "auto"})
    relabel(config, "single", [shard], whole)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("prism.relabelling.stage.pick_precision", lambda *_: torch.bfloat16)
        patch.setattr(progress.Parts, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        relabel(config, "single", [shard], output)
    assert list(progress_dir(output).rglob("rows-*.safetensors"))
    relabel(config, "single", [shard], output)
    assert output.read_bytes() == whole.read_bytes()


def test_a_damaged_part_is_made_again(config, shard, output, monkeypatch):
    relabel(config, "single", [shard], output)
    expected = output.read_bytes()
    monkeypatch.setattr(progress.Parts.__init__, "__defaults__", (0.0,))
    write = progress.Parts.write

    def die(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(progress.Parts, "write", die)
    with pytest.raises(KeyboardInterrupt):
        relabel(config, "single", [shard], output)
    parts = sorted(progress_dir(output).rglob("rows-*.safetensors"))
    assert len(parts) == 14
    parts[3].write_bytes(parts[3].read_bytes()[:-5])
    monkeypatch.setattr(progress.Parts, "write", write)
    relabel(config, "single", [shard], output)
    assert output.read_bytes() == expected


def test_progress_of_another_recipe_is_not_used(config, shard, output, tmp_path, monkeypatch):
    other = tmp_path / "results" / "x" / "relabelling" / "other.safetensors"
    plain = config.methods["single"].relabel.model_copy(update={"crop_scale": (0.5, 1.0)})
    method = config.methods["single"].model_copy(update={"relabel": plain})
    changed = config.model_copy(update={"methods": config.methods | {"single": method}})
    relabel(changed, "single", [shard], other)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(progress.Parts, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        relabel(config, "single", [shard], output)
    relabel(changed, "single", [shard], output)
    assert output.read_bytes() == other.read_bytes()


def test_what_does_not_belong_together_is_refused_in_one_line(config, shard, output, tmp_path):
    with pytest.raises(ConfigError, match="methods.vanilla.relabel: missing"):
        relabel(config, "vanilla", [shard], output)
    relabel(config, "single", [shard], output)
    with pytest.raises(DataError, match="vanilla: has no key relabel, but .*any.safetensors is given"):
        distill(config, "vanilla", "tiny", 0, [shard], tmp_path / "student", output)
    with pytest.raises(DataError, match="single: learns from stored soft labels, but no file"):
        distill(config, "single", "tiny", 0, [shard], tmp_path / "student")
    images = world_images("cartoon", 2, 5)
    samples = [Sample(f"{c:04d}-000000", images.images[2 * c], {"class_index": c}) for c in range(10)]
    write_shard(tmp_path / "shard-0001.tar", samples, {"stage": "synthesis", "recipe": {}})
    with pytest.raises(DataError, match="labels are not those of .*shard-0001.tar; relabel again"):
        distill(config, "single", "tiny", 0, [tmp_path / "shard-0001.tar"], tmp_path / "student", output)


def test_labels_beyond_the_class_list_and_answers_that_are_no_number_are_refused(config, shard, output, tmp_path):
    image = np.zeros((32, 32, 3), np.uint8)
    write_shard(tmp_path / "a.tar", [Sample("0010-000000", image, {"class_index": 10})], {"stage": "s", "recipe": {}})
    with pytest.raises(DataError, match="has label 10, the class list ends at 9"):
        relabel(config, "single", [tmp_path / "a.tar"], output)
    network = build("miniature-student-small", 10, 32)
    for parameter in network.parameters():
        parameter.data.mul_(1e12)
    save_model(config.teacher.weights, network, {"architecture": "miniature-student-small", **ABOUT})
    with pytest.raises(ModelError, match="no number, or too large for 16 bits"):
        relabel(config, "single", [shard], output)
    assert not output.exists()


def _pictures(shard):
    return read_shard(shard).images
