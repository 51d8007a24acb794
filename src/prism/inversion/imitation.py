"""The loop that teaches the competitor to answer as the teacher does, taken up again where it was killed.

What a step does follows from its number and the state before it, so that a run that was killed goes on from its
checkpoint and ends, on a CPU, in the same bytes as one that was not.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import torch
from torch import Tensor

from prism.artifacts import WorkClock
from prism.config import AdaptiveConfig
from prism.data.placed import Placed
from prism.errors import ModelError
from prism.inversion.optimise import CHECKPOINT_SECONDS
from prism.inversion.schedule import learning_rate
from prism.models.checkpoints import Classifier
from prism.models.scoring import as_float
from prism.models.training.losses import soft_label_loss
from prism.models.training.unfinished import load_unfinished, save_unfinished
from prism.seeds import derive, generator

log = logging.getLogger(__name__)


class Imitation:
    """Trains in place: ``T^2 KL(softmax(f_teacher / T) || softmax(f_student / T))``, Adam, half a cosine.

    Args:
        student: takes images in [0, 1].
        images: uint8 (n, height, width, 3), a tensor on the student's device or placed for it.
        answers: the teacher's logits (n, classes) on that device.
        settings: steps, batch, learning rate and T.
        seed: of the order, and of what the network itself draws.
        fingerprint: what must be the same for a checkpoint to be gone on from.
    """

    def __init__(
        self,
        student: Classifier,
        images: Tensor | Placed,
        answers: Tensor,
        settings: AdaptiveConfig,
        *,
        seed: int,
        fingerprint: str = "",
    ) -> None:
        self.student, self.images, self.answers = student, images, answers
        self.settings, self.seed, self.fingerprint = settings, seed, fingerprint
        self.optimizer = torch.optim.Adam(student.network.parameters(), lr=settings.learning_rate)
        self.order = torch.empty(0, dtype=torch.int64)  # what is left of this pass over the images
        self.loss = torch.zeros(())

    def run(
        self, *, checkpoint: Path | None = None, clock: WorkClock | None = None, seconds: float = CHECKPOINT_SECONDS
    ) -> None:
        """Train to the end, or on from the checkpoint if there is one.

        Args:
            checkpoint: file for the unfinished state; None keeps none.
            clock: saved with each checkpoint.
            seconds: least time between two checkpoints.

        Raises:
            ModelError: the loss is no longer a number.
        """
        with torch.random.fork_rng(devices=[self.images.device] if self._on_cuda else []):
            torch.manual_seed(self.seed)
            first = self._restore(checkpoint)
            self.student.train()
            saved = time.monotonic()
            for step in range(first, self.settings.steps):
                if checkpoint is not None and time.monotonic() - saved >= seconds:
                    self._save(checkpoint, step)
                    if clock is not None:
                        clock.save()
                    saved = time.monotonic()
                self.step(step)
        self.student.eval()
        if not torch.isfinite(self.loss):
            raise ModelError(
                f"inversion.adaptive: the student's loss is {float(self.loss)}; lower adaptive.learning_rate, "
                f"which is {self.settings.learning_rate:g}"
            )

    @property
    def _on_cuda(self) -> bool:
        return self.images.device.type == "cuda"

    def step(self, step: int) -> None:
        """Update number ``step``, on the next images of the order."""
        settings = self.settings
        size = min(settings.batch, len(self.images))
        if len(self.order) < size:  # what is left of a pass is too few for BatchNorm
            self.order = torch.randperm(len(self.images), generator=generator(derive(self.seed, "order", step)))
        rows, self.order = self.order[:size].to(self.images.device), self.order[size:]
        rate = learning_rate(step, iterations=settings.steps, peak=settings.learning_rate)
        self.optimizer.param_groups[0]["lr"] = rate
        logits = self.student(as_float(self.images[rows]))
        loss = soft_label_loss(logits, self.answers[rows], temperature=settings.temperature)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.loss = loss.detach()

    def _save(self, path: Path, step: int) -> None:
        state = {
            "step": step,
            "network": self.student.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "order": self.order.clone(),  # a slice would be saved with all that it was cut from
            "random": torch.get_rng_state(),
            "device_random": torch.cuda.get_rng_state(self.images.device) if self._on_cuda else None,
        }
        save_unfinished(path, state, fingerprint=self.fingerprint)

    def _restore(self, path: Path | None) -> int:
        """Take up the checkpoint, if there is one, and return the number of its next step."""
        keys = ("step", "network", "optimizer", "order", "random", "device_random")
        device = self.images.device
        state = load_unfinished(path, keys, fingerprint=self.fingerprint, device=device)
        if state is None:
            return 0
        self.student.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.order = state["order"].cpu()
        torch.set_rng_state(state["random"].cpu())
        if device.type == "cuda" and state["device_random"] is not None:
            torch.cuda.set_rng_state(state["device_random"].cpu(), device)
        log.info("going on from step %d of the student's training", state["step"])
        return state["step"]
