"""An energy tried on answers that no network gave: does it give what it should, and is its gradient its own?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from prism.guidance.answers import Answers
from prism.guidance.batch_norm import Statistics
from prism.guidance.term import Term

if TYPE_CHECKING:
    from prism.guidance import Energy

_STEP = 1e-3  # long enough for energies that compute in float32, short enough for their curvature
_DIRECTIONS = 8


def trial_answers(energy: Energy, term: Term, values: Tensor) -> Answers:
    """What an energy would be given for a batch, from no network; all of it depends on ``values``.

    Args:
        energy: it gets what it says that it reads.
        term: it says over what statistics are taken.
        values: (batch, classes), the teacher's logits.
    """
    statistics = {}
    if energy.statistics:
        seen = torch.stack([values, 0.1 * values.square()], dim=1)  # (batch, 2 channels, classes as places)
        variance, mean = torch.var_mean(seen, dim=(2,) if term.statistics == "image" else (0, 2), correction=0)
        running = values.new_tensor([0.3, -0.2]), values.new_tensor([1.5, 0.5])
        statistics[term.statistics] = [Statistics(mean, variance, *running)] * 2  # of two layers
    labels = torch.arange(len(values), device=values.device) % values.shape[1]
    return Answers(values, labels, statistics, 0.5 * values if energy.student else None)


def gradient_gap(energy: Energy, *, classes: int = 10, images: int = 4, seed: int = 0) -> float:
    """How far an energy's gradient is from finite differences, relative to its length; about 1e-4 where it is right.

    Large where something is detached, rounded or computed outside torch, and where the energy has a jump.

    Args:
        energy: one of the library's or of one's own.
        classes, images: size of the made-up logits.
        seed: of these and of the directions of the differences.
    """
    draws = torch.Generator().manual_seed(seed)
    values = torch.randn(images, classes, dtype=torch.float64, generator=draws).requires_grad_()
    term = Term("trial", 1.0)

    def total(at: Tensor) -> Tensor:
        return energy.of(trial_answers(energy, term, at), term).sum()

    (gradient,) = torch.autograd.grad(total(values), values)
    gaps, directions = [], torch.randn(_DIRECTIONS, images, classes, dtype=torch.float64, generator=draws)
    with torch.no_grad():
        for direction in directions / directions.flatten(1).norm(dim=1)[:, None, None]:
            ahead, behind = total(values + _STEP * direction), total(values - _STEP * direction)
            gaps.append((gradient * direction).sum() - (ahead - behind) / (2 * _STEP))
    return float(torch.stack(gaps).abs().max() / gradient.norm().clamp(min=1e-12))
