"""Training on stored labels: the file's views and logits are learned from, the teacher is never asked."""

from functools import partial

import pytest
import torch
from torch.nn import functional

from prism.artifacts import write_manifest
from prism.config import LabelTraining, RelabelConfig, load_config
from prism.data.images import ImageSet
from prism.data.placed import Placed
from prism.data.soft_labels import LabelFacts, SoftLabels, pixels_hash, write_soft_labels
from prism.data.views import Drawing, draw_views
from prism.distillation.stage import training_recipe
from prism.distillation.stored import StoredLabels
from prism.distillation.trainer import Recipe, Trainer
from prism.models.teacher import Teacher
from prism.models.training.losses import hard_label_loss, logit_error, soft_label_loss
from prism.seeds import generator

from ..trainings import classifier, coloured, ends_as_if_never_killed, options, same, weights

COUNT, EPOCHS = 24, 3
RECIPE = Recipe(epochs=EPOCHS, batch=8, learning_rate=0.01, optimizer="adamw", loss="mse", hard_weight=0.1)


def images():
    return coloured(COUNT, 0)


def stored(folder, logits=None, epochs=EPOCHS):
    """A file of labels whose logits name the class of each image, half sure."""
    data = images()
    drawing = Drawing((0.3, 1.0), True, 1.0, 16)
    keys = [f"{int(label):04d}-{index:06d}" for index, label in enumerate(data.labels)]
    rows = [draw_views(drawing, keys, source_px=16, seed=0, epoch=epoch).tensors() for epoch in range(epochs)]
    answers = functional.one_hot(data.labels, 4).half() * 3 if logits is None else logits
    tensors = {name: torch.cat([row[name] for row in rows]) for name in rows[0]}
    tensors["logits"] = answers.repeat(epochs, 1)
    pixels = pixels_hash(ImageSet(data.images.numpy(), data.labels.numpy(), "x"))
    path = folder / "labels.safetensors"
    write_soft_labels(path, LabelFacts(epochs, COUNT, 4, 16, 16, pixels), lambda name: [lambda: tensors[name]])
    write_manifest(path.with_suffix(".json"), stage="relabelling", recipe={}, outputs=[path], count=COUNT)
    return SoftLabels(path)


def trainer(labels, recipe=RECIPE, **changes):
    return Trainer(classifier(7), classifier(1, Teacher), images(), images(), recipe, options(**changes), labels=labels)


def test_targets_share_two_classes_by_area_and_logits_are_the_file_s(tmp_path):
    data, labels = images(), stored(tmp_path, logits=torch.randn(COUNT, 4, generator=generator(5)).half())
    indices = torch.tensor([5, 0, 17])
    stored_labels = StoredLabels(labels, Placed(data.images, data.images.device), data.labels)
    views, targets, logits = stored_labels.lesson(1, indices)
    answers, drawn = labels.epoch(1)
    assert views.shape == (3, 3, 16, 16) and torch.equal(logits, answers[indices].float())
    assert torch.allclose(targets.sum(dim=1), torch.ones(3))
    for row, index in enumerate(indices.tolist()):
        top, bottom, left, right = drawn.patches[index].tolist()
        expected = torch.zeros(4)
        expected[data.labels[index]] += 1 - (bottom - top) * (right - left) / 256
        expected[data.labels[drawn.partners[index]]] += (bottom - top) * (right - left) / 256
        assert torch.allclose(targets[row], expected)


def test_a_student_learns_what_the_file_says_and_the_teacher_is_never_asked(tmp_path, monkeypatch):
    # Logits that name another class than the images' own: what is learned can come from the file alone.
    wrong = (images().labels + 1) % 4
    labels = stored(tmp_path, logits=functional.one_hot(wrong, 4).half() * 6)

    def ask(*arguments):
        raise AssertionError("the teacher was asked")

    monkeypatch.setattr(Teacher, "forward", ask)
    monkeypatch.setattr(Trainer, "_ask_teacher", ask)
    recipe = Recipe(epochs=40, batch=8, learning_rate=0.01, optimizer="adamw", temperature=2.0)
    history = trainer(labels, recipe).run()
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]
    assert history[-1]["agreement"] > 0.5 and history[-1]["test_accuracy"] <= 0.25  # epochs come round again


@pytest.mark.parametrize("dies_at", [(0, 2), (2, 0)])
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(tmp_path, monkeypatch, dies_at):
    labels = stored(tmp_path)
    assert ends_as_if_never_killed(partial(trainer, labels), dies_at, tmp_path / "checkpoint.pt", monkeypatch)


def test_a_checkpoint_made_with_other_labels_is_left_aside(tmp_path, caplog):
    (tmp_path / "other").mkdir()
    other = stored(tmp_path / "other", logits=torch.ones(COUNT, 4).half())
    checkpoint = tmp_path / "checkpoint.pt"
    trainer(other, checkpoint=checkpoint, checkpoint_seconds=0.0).run()
    labels = stored(tmp_path)
    again, whole = trainer(labels, checkpoint=checkpoint, checkpoint_seconds=1e9), trainer(labels)
    again.run()
    whole.run()
    assert "belongs to another recipe" in caplog.text and same(weights(again), weights(whole))


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ({"loss": "mse"}, lambda s, t, y: ((s - t) ** 2).mean()),
        ({"loss": "mse", "hard_weight": 0.1}, lambda s, t, y: ((s - t) ** 2).mean() + 0.1 * hard_label_loss(s, y)),
        ({"temperature": 20.0}, lambda s, t, y: soft_label_loss(s, t, temperature=20.0)),
        (
            {"temperature": 20.0, "temperature_squared": False},
            lambda s, t, y: soft_label_loss(s, t, temperature=20.0) / 400,
        ),
    ],
    ids=["mse", "mse and classes", "kl", "kl as released"],
)
def test_the_loss_is_the_one_that_the_recipe_names(tmp_path, recipe, expected):
    run = trainer(stored(tmp_path), Recipe(epochs=1, batch=8, learning_rate=0.01, **recipe))
    run.student.train()
    indices = torch.arange(8)
    views, targets, logits = run.labels.lesson(0, indices)
    student = classifier(7).train()
    wanted = expected(student(views), logits, targets)
    run.step(0, 0, indices)
    assert float(run.sums[0]) / 8 == pytest.approx(float(wanted.detach()), rel=1e-3)


def test_the_squared_error_of_logits_and_the_divergence_without_t_squared():
    student, teacher = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]])
    assert float(logit_error(student, teacher)) == pytest.approx((4 + 9) / 2)
    expected = functional.kl_div(
        (student / 5).log_softmax(1), (teacher / 5).softmax(1), reduction="batchmean"
    )  # the released line
    assert float(soft_label_loss(student, teacher, temperature=5.0, squared=False)) == pytest.approx(float(expected))
    with pytest.raises(ValueError, match="must be"):
        logit_error(torch.zeros(2, 3), torch.zeros(2, 4))


def test_the_recipe_of_stored_labels_augments_nothing_and_takes_its_own_loss(project_root):
    settings = load_config(project_root / "config/config.yaml", root=project_root).distillation
    relabel = RelabelConfig(training=LabelTraining(loss="mse", hard_weight=0.1, temperature_squared=False))
    recipe = training_recipe(settings, 32, relabel)
    assert recipe.augmentation.is_identity and (recipe.alpha, recipe.feature_weight) == (0.0, 0.0)
    assert (recipe.loss, recipe.hard_weight, recipe.temperature_squared) == ("mse", 0.1, False)
    assert (recipe.epochs, recipe.learning_rate) == (settings.epochs, settings.learning_rate)
    online = training_recipe(settings, 32)
    assert (online.loss, online.hard_weight, online.temperature_squared) == ("kl", 0.0, True)
