"""The loop: it learns what the teacher says, repeats itself to the byte, and survives being killed."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch.nn import functional

from prism.distillation.trainer import Labelled, Recipe, Trainer
from prism.errors import ModelError
from prism.models.teacher import Teacher
from prism.models.training.augment import Augmentation

from ..trainings import ABOUT, classifier, coloured, ends_as_if_never_killed, options, same, told, weights

RECIPE = Recipe(
    epochs=3,
    batch=8,
    learning_rate=0.01,
    temperature=4.0,
    alpha=0.3,
    feature_weight=0.1,
    warmup_epochs=1,
    augmentation=Augmentation(crop_padding_px=2, mixup_alpha=0.3, flip=True),
)


def trainer(recipe=RECIPE, seed=0, train=None, **changes):
    student, teacher = classifier(7), classifier(1, Teacher)
    return Trainer(student, teacher, train or coloured(40, 0), coloured(12, 1), recipe, options(seed, **changes))


def test_equal_seeds_end_in_equal_weights_and_another_seed_does_not():
    one, other, third = trainer(), trainer(), trainer(seed=1)
    assert told(one.run()) == told(other.run())
    third.run()
    assert same(weights(one), weights(other)) and not same(weights(one), weights(third))


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("dies_at", [(0, 3), (1, 0), (2, 4)])
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(tmp_path, monkeypatch, optimizer, dies_at):
    recipe = Recipe(**{**vars(RECIPE), "optimizer": optimizer})
    checkpoint = tmp_path / "progress" / "checkpoint.pt"
    assert ends_as_if_never_killed(partial(trainer, recipe), dies_at, checkpoint, monkeypatch)


def test_a_checkpoint_of_another_loss_or_of_other_labels_is_left_aside(tmp_path, caplog):
    whole, data = trainer(), coloured(40, 0)
    whole.run()
    others = (
        {"recipe": Recipe(**{**vars(RECIPE), "temperature": 2.0})},
        {"train": replace(data, labels=data.labels.flip(0))},
        {"train": replace(data, others=data.labels.flip(0), shares=torch.full((40,), 0.5))},
    )
    for number, other in enumerate(others):
        path = tmp_path / f"{number}.pt"
        trainer(**other, checkpoint=path, checkpoint_seconds=0.0).run()
        again = trainer(checkpoint=path, checkpoint_seconds=1e9)
        again.run()
        assert same(weights(again), weights(whole))
    assert caplog.text.count("starting anew") == 3


def test_a_student_learns_from_labels_and_another_from_it_without_labels():
    recipe = Recipe(epochs=25, batch=8, learning_rate=0.01, optimizer="adamw", temperature=2.0)
    first = trainer(Recipe(**{**vars(recipe), "alpha": 1.0}))
    assert first.run()[-1]["test_accuracy"] == 1.0
    teacher = Teacher(first.student.network, **ABOUT)
    unlabelled = Labelled(coloured(40, 0).images, torch.zeros(40, dtype=torch.int64))
    pupil = Trainer(classifier(9), teacher, unlabelled, coloured(12, 1), recipe, options())
    history = pupil.run()
    assert history[-1]["loss"] < 0.3 * history[0]["loss"]
    assert history[-1]["agreement"] > 0.9 and history[-1]["test_accuracy"] > 0.9


def test_the_hard_label_of_a_mixed_image_is_the_sum_of_both_classes_by_their_shares():
    data = coloured(8, 0)
    others, shares = data.labels.roll(1), torch.linspace(0, 0.7, 8)
    run = trainer(
        Recipe(epochs=1, batch=8, learning_rate=0.01, alpha=1.0), train=replace(data, others=others, shares=shares)
    )
    run.student.train()
    with torch.no_grad():
        logits = classifier(7).train()(data.images.permute(0, 3, 1, 2) / 255)
    own, other = (functional.cross_entropy(logits, labels, reduction="none") for labels in (data.labels, others))
    run.step(0, 0, torch.arange(8))
    assert float(run.sums[0]) / 8 == pytest.approx(float(((1 - shares) * own + shares * other).mean()), rel=1e-5)


def test_images_with_nothing_mixed_in_train_as_if_others_were_not():
    data = coloured(40, 0)
    plain, beside = trainer(), trainer(train=replace(data, others=data.labels.roll(1), shares=torch.zeros(40)))
    assert told(plain.run()) == told(beside.run()) and same(weights(plain), weights(beside))


def test_without_augmentation_the_teacher_is_asked_once(monkeypatch):
    recipe = Recipe(epochs=3, batch=8, learning_rate=0.01)
    run = trainer(recipe)
    asked = []
    forward = Teacher.forward
    monkeypatch.setattr(Teacher, "forward", lambda self, x: (asked.append(len(x)), forward(self, x))[1])
    run.run()
    assert sum(asked) == 40


def test_a_loss_that_is_no_number_is_told_in_one_line():
    run = trainer(Recipe(epochs=3, batch=8, learning_rate=1e20))
    with pytest.raises(ModelError, match="lower distillation.learning_rate"):
        run.run()


def test_bf16_trains_too():
    history = trainer(dtype=torch.bfloat16).run()
    assert history[-1]["loss"] < history[0]["loss"]


def test_an_unknown_optimizer_is_refused():
    with pytest.raises(ValueError, match="sgd or adamw"):
        trainer(Recipe(epochs=1, batch=8, learning_rate=0.1, optimizer="lion"))
