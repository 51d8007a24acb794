"""Adam and AdamW on the rows of a table, each row an optimisation of its own."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

BETAS = (0.9, 0.999)  # PyTorch's defaults, which DDIS's released code keeps
EPSILON = 1e-8


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015), with decoupled weight decay (Loshchilov & Hutter 2019) where it is not 0.

    Rows that are not ``active`` change in nothing, neither by momentum nor by decay: a row's updates are those that
    it would have had alone.
    """

    learning_rate: float
    weight_decay: float = 0.0
    clamp: float | None = None

    def update(self, rows: Tensor, first: Tensor, second: Tensor, gradient: Tensor, active: Tensor, step: int) -> None:
        """Take step number ``step`` (from 1) in place.

        Args:
            rows: (n, width), what is learned.
            first, second: (n, width), the running moments, zero before the first step.
            gradient: (n, width).
            active: (n,) bool.
        """
        g = gradient[active]
        m = BETAS[0] * first[active] + (1 - BETAS[0]) * g
        v = BETAS[1] * second[active] + (1 - BETAS[1]) * g * g
        scale = (v / (1 - BETAS[1] ** step)).sqrt() + EPSILON
        moved = rows[active] * (1 - self.learning_rate * self.weight_decay)
        moved = moved - self.learning_rate * m / (1 - BETAS[0] ** step) / scale
        if self.clamp is not None:
            moved = moved.clamp(-self.clamp, self.clamp)
        rows[active], first[active], second[active] = moved, m, v
