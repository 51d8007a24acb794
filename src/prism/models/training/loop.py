"""The loop in which a student learns from a teacher, whichever stage trains it; a killed one goes on.

What a step does follows from (seed, epoch, step) and the state before it, so that a run that was killed goes
on from its checkpoint and ends, on a CPU, in the same bytes as one that was not.
"""

from __future__ import annotations

import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from prism.artifacts import hash_of
from prism.data.placed import Placed
from prism.devices import arithmetic
from prism.errors import ModelError
from prism.memory import as_a_whole
from prism.models.checkpoints import Classifier
from prism.models.teacher import Teacher
from prism.models.training.schedule import Schedule, epoch_order, steps_per_epoch
from prism.models.training.unfinished import hash_of_tensor, load_unfinished, save_unfinished
from prism.progress import ProgressBar
from prism.seeds import derive

log = logging.getLogger(__name__)

Line = dict[str, float | None]  # of the history


@dataclass(frozen=True)
class RunOptions:
    """Where a training runs, and from which seed.

    Args:
        seed: of order, augmentation and dropout.
        device: where it runs.
        dtype: torch.bfloat16 for autocast, torch.float32 for none.
        checkpoint: file for the unfinished state; None keeps none.
        checkpoint_seconds: least time between two checkpoints.
    """

    seed: int
    device: torch.device
    dtype: torch.dtype = torch.float32
    checkpoint: Path | None = None
    checkpoint_seconds: float = 60.0


class Training(ABC):
    """Trains ``student`` in place on images in memory; a subclass says with which loss, and what is told of an epoch.

    Args:
        student: the classifier that learns.
        teacher: the classifier that answers; it is never changed.
        images: uint8 (n, height, width, 3).
        recipe: how long and how fast.
        options: where it runs, and from which seed.
        optimizer: makes the optimizer of all parameters that learn.
        identity: plain JSON; what a checkpoint must have in common with this training beside recipe, seed, networks
            and images, to be gone on from.
        adapter: a module that learns beside the student.
    """

    stage: ClassVar[str]  # the word of messages, and of the section that has the learning rate
    remedy: ClassVar[str] = ""  # for a loss that is no number, beside a lower rate

    def __init__(
        self,
        student: Classifier,
        teacher: Teacher,
        images: Tensor,
        recipe: Schedule,
        options: RunOptions,
        *,
        optimizer: Callable[[list[nn.Parameter]], torch.optim.Optimizer],
        identity: Any,
        adapter: nn.Module | None = None,
    ) -> None:
        device = options.device
        self.student = student.to(device, memory_format=torch.channels_last)
        self.teacher = teacher.to(device, memory_format=torch.channels_last)
        self.images = Placed(images, device)
        self.recipe, self.options, self.seed, self.device = recipe, options, options.seed, device
        self.steps_per_epoch = steps_per_epoch(len(images), recipe.batch)
        self.modules = nn.ModuleList([student.network, *([] if adapter is None else [adapter.to(device)])])
        self.optimizer = optimizer(list(self.modules.parameters()))
        # Before anything is learned.
        self.fingerprint = self._fingerprint(identity, images) if options.checkpoint else ""
        self.history: list[Line] = []
        self.earlier_seconds = 0.0  # of the processes whose checkpoint is gone on from
        self.sums = torch.zeros(3, dtype=torch.float64, device=device)  # of this epoch; the first is the loss

    @abstractmethod
    def loss(self, epoch: int, step: int, indices: Tensor) -> Tensor:
        """The loss () of the images ``indices`` (batch,); adds to ``sums`` what the epoch's line is made of."""

    @abstractmethod
    def line(self, epoch: int, sums: Sequence[float], seconds: float) -> Line:
        """The history's line of an epoch (0-based), ``loss`` and more, from its ``sums`` and the seconds it took."""

    def run(self) -> list[Line]:
        """Train to the last epoch and return the history; goes on from the checkpoint if there is one.

        Raises:
            ModelError: the loss is no longer a number.
        """
        batch, options = self.recipe.batch, self.options
        forked = torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else [])
        with forked, as_a_whole(f"{self.stage}.batch", batch):
            began = saved = time.monotonic()
            first_epoch, first_step, epoch_seconds = self._restore()
            self.student.train()
            epochs, whole = range(first_epoch, self.recipe.epochs), self.recipe.epochs
            bar = ProgressBar(epochs, self.stage, initial=first_epoch, total=whole, unit="epoch", mininterval=5)
            for epoch in bar:
                started = time.monotonic() - epoch_seconds
                order = epoch_order(self.seed, epoch, len(self.images))
                for step, indices in self.images.batches(order, batch, first_step, self.steps_per_epoch):
                    if options.checkpoint and time.monotonic() - saved >= options.checkpoint_seconds:
                        now = time.monotonic()
                        self._save(epoch, step, self.earlier_seconds + now - began, now - started)
                        saved = time.monotonic()
                    self.step(epoch, step, indices)
                first_step, epoch_seconds = 0, 0.0
                self._end_epoch(epoch, time.monotonic() - started)
        self.student.eval()
        return self.history

    def step(self, epoch: int, step: int, indices: Tensor) -> None:
        """One update on the images of ``indices`` (batch,)."""
        torch.manual_seed(derive(self.seed, "dropout", epoch, step))
        rate = self.recipe.rate(epoch, step, self.steps_per_epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = self.loss(epoch, step, indices)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def autocast(self) -> torch.autocast:
        """The arithmetic of the networks."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.dtype == torch.bfloat16)

    def _end_epoch(self, epoch: int, seconds: float) -> None:
        sums = self.sums.tolist()
        self.sums.zero_()
        if not math.isfinite(sums[0]):
            raise ModelError(
                f"{self.stage}: the loss is {sums[0]} in epoch {epoch + 1}; lower {self.stage}.learning_rate, "
                f"which is {self.recipe.learning_rate:g}{self.remedy}"
            )
        self.history.append(self.line(epoch, sums, seconds))
        log.debug("epoch %d: loss %.4f", epoch + 1, self.history[-1]["loss"])

    def _fingerprint(self, identity: Any, images: Tensor) -> str:
        """What must be the same for a checkpoint to be gone on from. The images are read where they were given."""
        state = [*self.teacher.network.state_dict().values(), *self.student.network.state_dict().values()]
        tensors = [hash_of_tensor(tensor) for tensor in [images, *state]]
        return hash_of(
            [self.stage, asdict(self.recipe), identity, self.seed, arithmetic(self.device, self.options.dtype), tensors]
        )

    def _save(self, epoch: int, step: int, seconds: float, epoch_seconds: float) -> None:
        state = {
            "epoch": epoch,
            "step": step,
            "modules": [module.state_dict() for module in self.modules],  # a library's network has names of its own
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
            "sums": self.sums,
            "seconds": seconds,
            "epoch_seconds": epoch_seconds,
        }
        save_unfinished(self.options.checkpoint, state, fingerprint=self.fingerprint)

    def _restore(self) -> tuple[int, int, float]:
        """Take up the checkpoint, if there is one of this very training: its epoch, step and seconds of that epoch."""
        keys = ("epoch", "step", "modules", "optimizer", "history", "sums", "seconds", "epoch_seconds")
        state = load_unfinished(self.options.checkpoint, keys, fingerprint=self.fingerprint, device=self.device)
        if state is None:
            return 0, 0, 0.0
        for module, weights in zip(self.modules, state["modules"], strict=True):
            module.load_state_dict(weights)
        self.optimizer.load_state_dict(state["optimizer"])
        self.history, self.sums = list(state["history"]), state["sums"]
        log.info("going on from epoch %d, step %d", state["epoch"] + 1, state["step"])
        self.earlier_seconds = state["seconds"]
        return state["epoch"], state["step"], state["epoch_seconds"]
