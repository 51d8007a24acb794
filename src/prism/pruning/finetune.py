"""Fine-tune a pruned network on a method's images: it learns to answer as the whole one does.

What a step does follows from (seed, epoch, step) and the state before it: a run that was killed goes on from its
checkpoint and ends, on a CPU, in the same bytes as one that was not.
"""

from __future__ import annotations

import hashlib
import logging
import math
import pickle
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from prism.artifacts import atomic_path, hash_of
from prism.config import PruningConfig
from prism.errors import ModelError
from prism.models.checkpoints import Classifier
from prism.models.scoring import as_float
from prism.models.teacher import Teacher
from prism.seeds import derive, generator

log = logging.getLogger(__name__)


class FineTuning:
    """SGD on T^2 KL(softmax(teacher / T) || softmax(pruned / T)) (Hinton et al. 2015), the rate falling by a cosine.

    Args:
        pruned: the classifier that learns, masked by ``prism.pruning.masks``.
        teacher: the whole one; it is never changed.
        images: uint8 (n, height, width, 3).
        settings: the section ``pruning``.
        seed: seed of order, shifts, flips and dropout.
        device: where it runs.
        dtype: torch.bfloat16 for autocast, torch.float32 for none.
        checkpoint: file for the unfinished state; None keeps none.
        checkpoint_seconds: least time between two checkpoints.
    """

    def __init__(
        self,
        pruned: Classifier,
        teacher: Teacher,
        images: Tensor,
        settings: PruningConfig,
        *,
        seed: int,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        checkpoint: Path | None = None,
        checkpoint_seconds: float = 30.0,
    ) -> None:
        self.pruned = pruned.to(device, memory_format=torch.channels_last)
        self.teacher = teacher.to(device, memory_format=torch.channels_last)
        self.images = images.to(device)
        self.settings, self.seed, self.device, self.dtype = settings, seed, device, dtype
        self.checkpoint, self.checkpoint_seconds = checkpoint, checkpoint_seconds
        self.steps_per_epoch = max(1, len(images) // settings.batch)  # full batches; the rest has its turn later
        self.optimizer = torch.optim.SGD(
            pruned.network.parameters(),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
        self.fingerprint = self._fingerprint() if checkpoint else ""
        self.losses: list[float] = []
        self.sum = torch.zeros((), dtype=torch.float64, device=device)  # of the losses in this epoch

    def run(self) -> list[float]:
        """Train to the last epoch, and return the mean loss of each; goes on from the checkpoint if there is one.

        Raises:
            ModelError: the loss is no longer a number.
        """
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            first_epoch, first_step = self._restore()
            self.pruned.train()
            saved = time.monotonic()
            for epoch in tqdm(range(first_epoch, self.settings.epochs), "pruning", unit="epoch", mininterval=5):
                order = torch.randperm(len(self.images), generator=generator(derive(self.seed, "order", epoch)))
                for step in range(first_step, self.steps_per_epoch):
                    if self.checkpoint and time.monotonic() - saved >= self.checkpoint_seconds:
                        self._save(epoch, step)
                        saved = time.monotonic()
                    self.step(epoch, step, order[step * self.settings.batch : (step + 1) * self.settings.batch])
                first_step = 0
                self._end_epoch(epoch)
        self.pruned.eval()
        return self.losses

    def step(self, epoch: int, step: int, indices: Tensor) -> None:
        """One update on the images of ``indices`` (batch,)."""
        settings = self.settings
        torch.manual_seed(derive(self.seed, "dropout", epoch, step))
        done = (epoch * self.steps_per_epoch + step) / (settings.epochs * self.steps_per_epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
        draws = generator(derive(self.seed, "augmentation", epoch, step))
        images = moved(
            as_float(self.images[indices.to(self.device)]),
            round(settings.crop_padding * self.images.shape[1]),
            settings.flip,
            draws,
        )
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            with torch.no_grad():
                wanted = self.teacher(images)
            logits = self.pruned(images)
        student = functional.log_softmax(logits.float() / settings.temperature, dim=1)
        teacher = functional.log_softmax(wanted.float() / settings.temperature, dim=1)
        loss = settings.temperature**2 * functional.kl_div(student, teacher, reduction="batchmean", log_target=True)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.sum += loss.detach()

    def _end_epoch(self, epoch: int) -> None:
        loss = self.sum.item() / self.steps_per_epoch
        self.sum.zero_()
        if not math.isfinite(loss):
            raise ModelError(
                f"pruning: the loss is {loss} in epoch {epoch + 1}; lower pruning.learning_rate, "
                f"which is {self.settings.learning_rate:g}"
            )
        self.losses.append(loss)
        log.debug("epoch %d: loss %.4f", epoch + 1, loss)

    def _fingerprint(self) -> str:
        """What must be the same for a checkpoint to be gone on from."""
        settings = self.settings.model_dump(mode="json", exclude={"sparsities", "methods", "seeds"})
        state = [*self.teacher.network.state_dict().values(), *self.pruned.network.state_dict().values()]
        data = [
            hashlib.sha256(tensor.cpu().contiguous().numpy().tobytes()).hexdigest() for tensor in [self.images, *state]
        ]
        return hash_of({"settings": settings, "seed": self.seed, "dtype": str(self.dtype), "data": data})

    def _save(self, epoch: int, step: int) -> None:
        state = {
            "fingerprint": self.fingerprint,
            "epoch": epoch,
            "step": step,
            "network": self.pruned.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "losses": self.losses,
            "sum": self.sum,
        }
        with atomic_path(self.checkpoint) as temporary:
            torch.save(state, temporary)

    def _restore(self) -> tuple[int, int]:
        """Take up the checkpoint, if there is one of this very fine-tuning, and return its epoch and step."""
        if self.checkpoint is None or not self.checkpoint.is_file():
            return 0, 0
        try:
            state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
            if state["fingerprint"] != self.fingerprint:
                raise ValueError("it belongs to another fine-tuning")
        except (OSError, RuntimeError, ValueError, LookupError, EOFError, pickle.UnpicklingError) as error:
            log.warning("%s: is left aside (%s); starting anew", self.checkpoint, error)
            return 0, 0
        self.pruned.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.losses, self.sum = list(state["losses"]), state["sum"].to(self.device)
        log.info("going on from epoch %d, step %d", state["epoch"] + 1, state["step"])
        return state["epoch"], state["step"]


def moved(images: Tensor, padding_px: int, flip: bool, draws: torch.Generator) -> Tensor:
    """Images (batch, 3, h, w), each shifted by up to ``padding_px`` with mirrored borders, half of them flipped."""
    batch, _, height, width = images.shape
    if padding_px:
        down, across = torch.randint(0, 2 * padding_px + 1, (2, batch), generator=draws)
        padded = functional.pad(images, (padding_px,) * 4, mode="reflect")
        parts = [
            image[:, top : top + height, left : left + width]
            for image, top, left in zip(padded, down.tolist(), across.tolist(), strict=True)
        ]
        images = torch.stack(parts).contiguous(memory_format=torch.channels_last)
    if flip:
        mirrored = (torch.rand(batch, generator=draws) < 0.5).to(images.device)
        images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    return images
