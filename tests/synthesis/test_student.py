"""The interleaved student: it learns, and its weights follow from its images and its seed alone."""

import math

import pytest
import torch

from prism.config import InterleavedStudentConfig
from prism.errors import ModelError
from prism.models.scoring import predict
from prism.synthesis import student as module
from prism.synthesis.student import LAST_RATE, InterleavedStudent, rate

CPU = torch.device("cpu")
FAST = {"architecture": "miniature-student-small", "every": 2, "start": 3, "epochs": 4, "warmup_epochs": 1, "batch": 8}


def images(count=17):
    return (torch.rand(count, 32, 32, 3, generator=torch.Generator().manual_seed(1)) * 255).to(torch.uint8)


def new(teacher, folder, **settings):
    folder.mkdir(exist_ok=True)
    return InterleavedStudent(
        InterleavedStudentConfig(**FAST | {"learning_rate": 0.02} | settings), teacher, folder, seed=4, device=CPU
    )


def weights(student):
    return {name: value.clone() for name, value in student.student.network.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_it_comes_nearer_to_the_teacher_and_guides_from_its_start_on(teacher, tmp_path):
    student = new(teacher, tmp_path / "a", epochs=12)
    temperature = student.settings.temperature
    answers = predict(teacher, images(), batch=8, device=CPU)

    def gap():
        found = predict(student.student.eval(), images(), batch=8, device=CPU)
        return float(module.divergence(answers, found, temperature).mean())

    before = gap()
    assert student.learn(0, images()) is None, "2 images per class are fewer than 3"
    ready = student.learn(1, images())
    assert gap() < before
    assert not ready.training and not any(parameter.requires_grad for parameter in ready.parameters())


def test_the_same_rounds_give_the_same_weights_and_finished_ones_are_read(teacher, tmp_path, monkeypatch):
    first, second = new(teacher, tmp_path / "a"), new(teacher, tmp_path / "b")
    for student in (first, second):
        student.learn(0, images(9))
        student.learn(1, images())
    assert same(weights(first), weights(second))
    monkeypatch.setattr(InterleavedStudent, "_train", lambda *given: pytest.fail("it is trained already"))
    resumed = new(teacher, tmp_path / "a")
    resumed.learn(0, images(9))
    resumed.learn(1, images())
    assert same(weights(first), weights(resumed))


def test_a_killed_training_goes_on_from_its_checkpoint_to_the_same_weights(teacher, tmp_path, monkeypatch):
    whole = new(teacher, tmp_path / "a")
    whole.learn(0, images())
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", 0.0)
    asked = []

    def dies(settings, epoch):
        if epoch > 2.5:
            raise KeyboardInterrupt
        return rate(settings, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(module, "rate", dies)
        with pytest.raises(KeyboardInterrupt):
            new(teacher, tmp_path / "b").learn(0, images())
    monkeypatch.setattr(module, "rate", lambda settings, epoch: asked.append(epoch) or rate(settings, epoch))
    again = new(teacher, tmp_path / "b")
    again.learn(0, images())
    assert same(weights(whole), weights(again))
    assert min(asked) > 2, "two epochs were finished"
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["student-00000.safetensors"]


@pytest.mark.parametrize("name", ["student-00000.safetensors", "student-00000.pt"])
def test_what_is_damaged_is_trained_again(teacher, tmp_path, caplog, name):
    whole = new(teacher, tmp_path / "a")
    whole.learn(0, images())
    again = new(teacher, tmp_path / "b")
    (tmp_path / "b" / name).write_bytes(b"not weights")
    again.learn(0, images())
    assert same(weights(whole), weights(again)) and name in caplog.text


def test_a_loss_that_is_no_number_is_told(teacher, tmp_path):
    with pytest.raises(ModelError, match="student.learning_rate, which is 1e"):
        new(teacher, tmp_path / "a", learning_rate=1e30).learn(0, images())


def test_the_rate_rises_and_ends_where_diffdfkd_s_does():
    settings = InterleavedStudentConfig(architecture="miniature-student")
    assert rate(settings, 2.5) == pytest.approx(0.05) and rate(settings, 5) == pytest.approx(0.1)
    assert rate(settings, 20) == pytest.approx(LAST_RATE)
    middle = LAST_RATE + (0.1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi / 2))
    assert rate(settings, 12.5) == pytest.approx(middle)
