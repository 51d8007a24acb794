"""The loop: one batch of pixels under Adam, phase after phase, taken up again where it was killed.

What a step does follows from (batch, phase, step) and the state before it, so that a run that was killed goes on
from its checkpoint and ends, on a CPU, in the same bytes as one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from prism.artifacts import WorkClock, hash_of
from prism.inversion.objective import Objective, Past, teams, to_normalised, to_unit
from prism.inversion.schedule import Phase, learning_rate, phases
from prism.inversion.statistics import Moments
from prism.inversion.views import Views, grown
from prism.models.training.unfinished import load_unfinished, save_unfinished
from prism.seeds import derive, generator

CHECKPOINT_SECONDS = 15.0


@dataclass(frozen=True)
class Batch:
    """What is optimised together: labels (batch,) int64 on the CPU, a seed for each image and one for the batch.

    ``level`` is that of the early/late schedule. ``start`` (batch, 3, size, size) in [0, 1] are real images to start
    from; None starts from noise.
    """

    labels: Tensor
    seeds: Sequence[int]
    seed: int
    level: int = 0
    start: Tensor | None = None


class Inversion:
    """Optimises the pixels of one batch; see :meth:`run`."""

    def __init__(self, objective: Objective, batch: Batch, *, device: torch.device) -> None:
        self.objective, self.settings, self.batch, self.device = objective, objective.settings, batch, device
        self.size_px = objective.primary.size_px
        self.phases = phases(self.settings, self.size_px, batch.level)
        total = sum(phase.iterations for phase in self.phases)
        self.team_of_step = teams(self.settings, len(objective.teachers), total, derive(batch.seed, "teachers"))
        copies = self.settings.growth.repeat if self.settings.growth is not None else 1
        self._labels = batch.labels.repeat(copies).to(device)
        classes = batch.labels.unique().tolist() if self.settings.densification else []
        self._members = [(batch.labels == c).nonzero().squeeze(1).to(device) for c in classes]
        self._low, self._high = self._valid_range()
        self.past: Past = {}
        self._begin(0, self._first_pixels())

    @property
    def steps(self) -> int:
        """Steps in all."""
        return len(self.team_of_step)

    def run(
        self,
        *,
        checkpoint: Path | None = None,
        clock: WorkClock | None = None,
        seconds: float = CHECKPOINT_SECONDS,
        advance: Callable[[int], object] | None = None,
    ) -> Tensor:
        """Optimise to the end, or on from the checkpoint if there is one, and return images in [0, 1].

        Args:
            checkpoint: file for the unfinished state; None keeps none.
            clock: saved with each checkpoint.
            seconds: least time between two checkpoints.
            advance: told the number of steps that were done.

        Returns:
            (batch, 3, size, size) on the device: those of the last step, as SRe2L keeps them.
        """
        phase, iteration = self._restore(checkpoint)
        done = sum(one.iterations for one in self.phases[:phase]) + iteration
        if advance is not None:
            advance(done)
        saved = time.monotonic()
        while phase < len(self.phases):
            for step in range(iteration, self.phases[phase].iterations):
                if checkpoint is not None and time.monotonic() - saved >= seconds:
                    self._save(checkpoint, phase, step)
                    if clock is not None:
                        clock.save()
                    saved = time.monotonic()
                self.step(step, done)
                done += 1
                if advance is not None:
                    advance(1)
            phase, iteration = phase + 1, 0
            if phase < len(self.phases):
                self._begin(phase, self._next_pixels(phase))
        return self.images()

    def step(self, iteration: int, step: int) -> None:
        """Step ``iteration`` of the present phase, the ``step``-th of all; nothing here waits for the device."""
        settings = self.settings
        self.optimizer.param_groups[0]["lr"] = learning_rate(
            iteration,
            iterations=self.phase.iterations,
            peak=settings.learning_rate,
            warmup=settings.warmup,
            schedule=settings.schedule,
        )
        loss = self.objective(
            self.views(self.pixels, iteration),
            self._labels,
            self.team_of_step[step],
            pool=self.phase.pool,
            members=self._members,
            past=self.past,
        )
        (gradient,) = torch.autograd.grad(loss, self.pixels)
        # The fused Adam walks through memory: a gradient of another layout would move other pixels than its own.
        self.pixels.grad = gradient.contiguous(memory_format=torch.channels_last)
        self.optimizer.step()
        if settings.clip:
            with torch.no_grad():
                self.pixels.clamp_(self._low, self._high)

    def images(self) -> Tensor:
        """The present pixels as images in [0, 1]."""
        pixels = self.pixels.detach()
        return (pixels if self.settings.pixels == "unit" else to_unit(pixels, self.objective.primary)).clamp(0, 1)

    def _begin(self, phase: int, pixels: Tensor) -> None:
        """Pixels, views and a fresh optimiser of a phase."""
        self.phase: Phase = self.phases[phase]
        self.views = Views(self.settings, self.phase, self.size_px, derive(self.batch.seed, "phase", phase))
        self.pixels = pixels.to(self.device).contiguous(memory_format=torch.channels_last).requires_grad_()
        self.optimizer = torch.optim.Adam(
            [self.pixels], lr=self.settings.learning_rate, betas=self.settings.betas, eps=1e-8, fused=True
        )

    def _first_pixels(self) -> Tensor:
        if self.batch.start is not None:
            start = self.batch.start.to(self.device)
            return start if self.settings.pixels == "unit" else to_normalised(start, self.objective.primary)
        side = self.phases[0].side_px
        draw = torch.rand if self.settings.pixels == "unit" else torch.randn
        return torch.stack([draw(3, side, side, generator=generator(seed)) for seed in self.batch.seeds])

    def _next_pixels(self, phase: int) -> Tensor:
        pixels, growth = self.pixels.detach(), self.settings.growth
        if growth is None:
            return pixels.clone()
        borders = [derive(seed, "border", phase) for seed in self.batch.seeds]
        fresh = grown(self._as_unit(pixels), self.phases[phase].side_px, growth.border, borders)
        return fresh if self.settings.pixels == "unit" else to_normalised(fresh, self.objective.primary)

    def _as_unit(self, pixels: Tensor) -> Tensor:
        return pixels if self.settings.pixels == "unit" else to_unit(pixels, self.objective.primary)

    def _valid_range(self) -> tuple[Tensor, Tensor]:
        """Pixels of black and of white: (1, 3, 1, 1) each."""
        ends = torch.tensor([0.0, 1.0], device=self.device).view(2, 1, 1, 1).expand(2, 3, 1, 1)
        if self.settings.pixels == "normalised":
            ends = to_normalised(ends, self.objective.primary)
        return ends[:1], ends[1:]

    def _save(self, path: Path, phase: int, iteration: int) -> None:
        state = {
            "phase": phase,
            "iteration": iteration,
            "pixels": self.pixels.detach(),
            "optimizer": self.optimizer.state_dict(),
            "past": {index: [tuple(one) for one in averages] for index, averages in self.past.items()},
        }
        save_unfinished(path, state, fingerprint=self._fingerprint)

    def _restore(self, path: Path | None) -> tuple[int, int]:
        """Take up the checkpoint, if there is one of this very batch, and return its phase and iteration."""
        keys = ("phase", "iteration", "pixels", "optimizer", "past")
        state = load_unfinished(path, keys, fingerprint=self._fingerprint, device=self.device)
        if state is None:
            return 0, 0
        self._begin(state["phase"], state["pixels"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.past = {index: [Moments(*one) for one in averages] for index, averages in state["past"].items()}
        return state["phase"], state["iteration"]

    @property
    def _fingerprint(self) -> str:
        """What must be the same for a checkpoint to be gone on from, beside the recipe that names its folder."""
        batch = self.batch
        return hash_of(
            [batch.labels.tolist(), list(batch.seeds), batch.seed, batch.level, self.settings.model_dump(mode="json")]
        )
