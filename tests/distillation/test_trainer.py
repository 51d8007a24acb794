"""The loop: it learns what the teacher says, repeats itself to the byte, and survives being killed."""

import pytest
import torch

from prism.distillation.augment import Augmentation
from prism.distillation.trainer import Labelled, Recipe, Trainer
from prism.errors import ModelError
from prism.models.checkpoints import Classifier
from prism.models.classifiers import build
from prism.models.teacher import Teacher
from prism.seeds import generator

DEVICE = torch.device("cpu")
ABOUT = {"num_classes": 4, "size_px": 16, "mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}
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


class KilledError(Exception):
    """Stands for a signal in the middle of a step."""


def classifier(seed, kind=Classifier):
    name = "miniature-student-small"
    return kind(build(name, 4, 16, seed=seed), architecture=name, **ABOUT)


def images(count, seed):
    """Four classes that differ in colour."""
    labels = torch.arange(count) % 4
    noise = torch.randint(0, 120, (count, 16, 16, 3), generator=generator(seed))
    colour = torch.tensor([[120, 0, 0], [0, 120, 0], [0, 0, 120], [120, 120, 0]])[labels]
    return Labelled((noise + colour[:, None, None, :]).to(torch.uint8), labels)


def trainer(recipe=RECIPE, seed=0, **options):
    student, teacher = classifier(7), classifier(1, Teacher)
    return Trainer(student, teacher, images(40, 0), images(12, 1), recipe, seed=seed, device=DEVICE, **options)


def weights(of):
    return {name: value.clone() for name, value in of.student.network.state_dict().items()}


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


def facts(history):
    """The history without its seconds."""
    return [(line.epoch, line.loss, line.agreement, line.test_accuracy) for line in history]


def test_equal_seeds_end_in_equal_weights_and_another_seed_does_not():
    one, other, third = trainer(), trainer(), trainer(seed=1)
    assert facts(one.run()) == facts(other.run())
    third.run()
    assert same(weights(one), weights(other)) and not same(weights(one), weights(third))


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("dies_at", [(0, 3), (1, 0), (2, 4)])
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(tmp_path, monkeypatch, optimizer, dies_at):
    recipe = Recipe(**{**vars(RECIPE), "optimizer": optimizer})
    whole = trainer(recipe)
    expected = facts(whole.run())
    options = {"checkpoint": tmp_path / "progress" / "checkpoint.pt", "checkpoint_seconds": 0.0}

    step = Trainer.step

    def dying(self, epoch, number, indices):
        if (epoch, number) == dies_at:
            raise KilledError
        step(self, epoch, number, indices)

    monkeypatch.setattr(Trainer, "step", dying)
    with pytest.raises(KilledError):
        trainer(recipe, **options).run()
    steps = []
    monkeypatch.setattr(Trainer, "step", lambda self, e, n, i: (steps.append((e, n)), step(self, e, n, i)))
    resumed = trainer(recipe, **options)
    torch.manual_seed(99)  # the global generator is not part of the result
    assert facts(resumed.run()) == expected
    assert same(weights(resumed), weights(whole))
    assert steps[0] == dies_at  # nothing that was saved is done twice


def test_a_checkpoint_of_another_recipe_or_a_damaged_one_is_left_aside(tmp_path, caplog):
    path = tmp_path / "checkpoint.pt"
    whole = trainer()
    whole.run()
    trainer(Recipe(**{**vars(RECIPE), "temperature": 2.0}), checkpoint=path, checkpoint_seconds=0.0).run()
    for content in (path.read_bytes(), b"garbage", path.read_bytes()[:1000]):
        path.write_bytes(content)
        again = trainer(checkpoint=path, checkpoint_seconds=1e9)
        again.run()
        assert same(weights(again), weights(whole))
    assert "starting anew" in caplog.text


def test_a_student_learns_from_labels_and_another_from_it_without_labels():
    recipe = Recipe(epochs=25, batch=8, learning_rate=0.01, optimizer="adamw", temperature=2.0)
    first = trainer(Recipe(**{**vars(recipe), "alpha": 1.0}))
    assert first.run()[-1].test_accuracy == 1.0
    teacher = Teacher(first.student.network, architecture="miniature-student-small", **ABOUT)
    unlabelled = Labelled(images(40, 0).images, torch.zeros(40, dtype=torch.int64))
    pupil = Trainer(classifier(9), teacher, unlabelled, images(12, 1), recipe, seed=0, device=DEVICE)
    history = pupil.run()
    assert history[-1].loss < 0.3 * history[0].loss
    assert history[-1].agreement > 0.9 and history[-1].test_accuracy > 0.9


def test_neither_teacher_nor_its_statistics_change():
    run = trainer()
    before = {name: value.clone() for name, value in run.teacher.state_dict().items()}
    run.run()
    assert all(torch.equal(value, before[name]) for name, value in run.teacher.state_dict().items())


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
    assert history[-1].loss < history[0].loss


def test_an_unknown_optimizer_is_refused():
    with pytest.raises(ValueError, match="sgd or adamw"):
        trainer(Recipe(epochs=1, batch=8, learning_rate=0.1, optimizer="lion"))
