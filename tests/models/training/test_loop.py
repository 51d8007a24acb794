"""The loop, with the plainest loss: what every training has of it."""

import logging
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from prism.errors import ModelError
from prism.models.checkpoints import Classifier
from prism.models.classifiers import build
from prism.models.scoring import as_float
from prism.models.teacher import Teacher
from prism.models.training.loop import Training
from prism.models.training.losses import logit_error
from prism.models.training.schedule import Schedule

from ...trainings import ABOUT, KilledError, classifier, coloured, ends_as_if_never_killed, options, same, weights

RECIPE = Schedule(epochs=2, batch=8, learning_rate=0.01)


class Imitation(Training):
    """The mean squared error of the logits, and of a map of them."""

    stage = "imitation"
    remedy = ", or do something else"

    def loss(self, epoch, step, indices):
        images = as_float(self.images[indices])
        loss = logit_error(self.modules[1](self.student(images)), self.teacher(images))
        self.sums[0] += loss.detach()
        return loss

    def line(self, epoch, sums, seconds):
        return {"loss": sums[0], "seconds": seconds}


def imitation(recipe=RECIPE, student=None, identity=None, **changes):
    student, teacher = student or classifier(7), classifier(1, Teacher)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        adapter = nn.Linear(4, 4)
    made = partial(torch.optim.SGD, lr=1.0, momentum=0.9)
    images = coloured(20, 0).images
    return Imitation(
        student, teacher, images, recipe, options(**changes), optimizer=made, identity=identity, adapter=adapter
    )


@pytest.mark.parametrize("dies_at", [(0, 1), (1, 0)])
def test_a_killed_run_goes_on_with_all_that_learns(tmp_path, monkeypatch, dies_at):
    assert ends_as_if_never_killed(imitation, dies_at, tmp_path / "checkpoint.pt", monkeypatch)


def test_images_in_the_host_s_memory_teach_the_same(tmp_path, monkeypatch):
    resident = imitation()
    resident.run()
    monkeypatch.setattr("prism.data.placed._has_room", lambda images, device: False)
    away = imitation()
    away.run()
    assert not away.images.resident and same(weights(away), weights(resident))
    assert ends_as_if_never_killed(imitation, (1, 1), tmp_path / "checkpoint.pt", monkeypatch)


def test_a_library_s_network_goes_on_too(tmp_path, monkeypatch):
    """Its state dict has the library's own names, which a parent module's would not have."""

    def make(**changes):
        network = build("timm:test_resnet", 4, 16, seed=3)
        return imitation(student=Classifier(network, **{**ABOUT, "architecture": "timm:test_resnet"}), **changes)

    assert ends_as_if_never_killed(make, (1, 1), tmp_path / "checkpoint.pt", monkeypatch)


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"identity": "other"}, {"dtype": torch.bfloat16}, {"recipe": Schedule(2, 8, 0.02)}],
    ids=["seed", "identity", "precision", "recipe"],
)
def test_a_checkpoint_of_another_training_is_left_aside(tmp_path, caplog, other):
    checkpoint = tmp_path / "checkpoint.pt"
    imitation(**other, checkpoint=checkpoint, checkpoint_seconds=0.0).run()
    whole, again = imitation(), imitation(checkpoint=checkpoint, checkpoint_seconds=1e9)
    whole.run()
    again.run()
    assert same(weights(again), weights(whole)) and "starting anew" in caplog.text


def test_no_checkpoint_is_written_before_its_time(tmp_path):
    imitation(checkpoint=tmp_path / "checkpoint.pt", checkpoint_seconds=1e9).run()
    assert not list(tmp_path.iterdir())


def test_seconds_count_the_work_of_killed_runs_too(tmp_path, monkeypatch):
    now, step, kept = [0.0], Training.step, {"checkpoint": tmp_path / "checkpoint.pt", "checkpoint_seconds": 0.0}

    def dying_or_slow(self, epoch, number, indices):
        if (epoch, number) == (1, 1) and now[0] == 30:
            raise KilledError
        step(self, epoch, number, indices)
        now[0] += 10

    monkeypatch.setattr("prism.models.training.loop.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(Training, "step", dying_or_slow)
    with pytest.raises(KilledError):
        imitation(**kept).run()
    now[0] = 1000.0
    again = imitation(**kept)
    assert [line["seconds"] for line in again.run()] == [20, 20] and again.earlier_seconds == 30


def test_the_global_generator_is_left_as_it_was():
    state = torch.get_rng_state()
    imitation().run()
    assert torch.equal(torch.get_rng_state(), state)


def test_the_student_ends_in_evaluation_mode_and_the_teacher_never_changes():
    run = imitation()
    before = {name: value.clone() for name, value in run.teacher.state_dict().items()}
    history = run.run()
    assert not run.student.training and len(history) == 2
    assert same(before, run.teacher.state_dict())


def test_a_loss_that_is_no_number_is_told_with_the_key_to_change(caplog):
    caplog.set_level(logging.ERROR)
    with pytest.raises(ModelError, match=r"lower imitation\.learning_rate, which is 1e\+30, or do something else"):
        imitation(Schedule(epochs=2, batch=8, learning_rate=1e30)).run()
