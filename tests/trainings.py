"""Small classifiers, images and interruptions, for the tests of whatever trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from prism.distillation.trainer import Labelled
from prism.models.checkpoints import Classifier
from prism.models.classifiers import build
from prism.models.training.loop import Line, RunOptions, Training
from prism.seeds import generator

NAME = "miniature-student-small"
ABOUT = {"architecture": NAME, "num_classes": 4, "size_px": 16, "mean": (0.5,) * 3, "std": (0.25,) * 3}


class KilledError(Exception):
    """Stands for a signal in the middle of a step."""


def classifier(seed: int, kind: type[Classifier] = Classifier) -> Classifier:
    """Four classes at 16 px, untrained."""
    return kind(build(NAME, 4, 16, seed=seed), **ABOUT)


def coloured(count: int, seed: int) -> Labelled:
    """Images (count, 16, 16, 3) of four classes that differ in colour."""
    labels = torch.arange(count) % 4
    noise = torch.randint(0, 120, (count, 16, 16, 3), generator=generator(seed))
    colour = torch.tensor([[120, 0, 0], [0, 120, 0], [0, 0, 120], [120, 120, 0]])[labels]
    return Labelled((noise + colour[:, None, None, :]).to(torch.uint8), labels)


def options(seed: int = 0, **changes: Any) -> RunOptions:
    """On the CPU, in fp32, without a checkpoint."""
    return RunOptions(**{"seed": seed, "device": torch.device("cpu"), **changes})


def weights(of: Training) -> dict[str, torch.Tensor]:
    """A copy of the student's."""
    return {name: value.clone() for name, value in of.student.network.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether two state dicts are equal to the bit."""
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def told(history: list[Line]) -> list[Line]:
    """The history without its seconds."""
    return [{name: value for name, value in line.items() if name != "seconds"} for line in history]


def ends_as_if_never_killed(
    make: Callable[..., Training], dies_at: tuple[int, int], checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Whether ``make(**options)``, killed before the step ``dies_at`` (epoch, step) and made again, ends in the same
    history and weights as one that runs through, and does no step twice.
    """
    whole = make()
    expected = told(whole.run())
    kept = {"checkpoint": checkpoint, "checkpoint_seconds": 0.0}
    step, steps = Training.step, []

    def dying(self: Training, epoch: int, number: int, indices: torch.Tensor) -> None:
        if (epoch, number) == dies_at:
            raise KilledError
        step(self, epoch, number, indices)

    def counting(self: Training, epoch: int, number: int, indices: torch.Tensor) -> None:
        steps.append((epoch, number))
        step(self, epoch, number, indices)

    monkeypatch.setattr(Training, "step", dying)
    with pytest.raises(KilledError):
        make(**kept).run()
    monkeypatch.setattr(Training, "step", counting)
    resumed = make(**kept)
    torch.manual_seed(99)  # the global generator is not part of the result
    return told(resumed.run()) == expected and same(weights(resumed), weights(whole)) and steps[0] == dies_at


def dies_once(monkeypatch: pytest.MonkeyPatch, at: int) -> list[tuple[int, int]]:
    """The steps (epoch, step) that a stage's training begins, each saved before it; number ``at`` kills its process."""
    defaults = RunOptions.__init__.__defaults__ or ()
    monkeypatch.setattr(RunOptions.__init__, "__defaults__", (*defaults[:-1], 0.0))  # seconds between checkpoints
    step, steps = Training.step, []

    def counted(self: Training, epoch: int, number: int, indices: torch.Tensor) -> None:
        steps.append((epoch, number))
        if len(steps) == at:
            raise KilledError
        step(self, epoch, number, indices)

    monkeypatch.setattr(Training, "step", counted)
    return steps
