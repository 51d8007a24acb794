"""Latent CutMix: boxes exchanged between the latents of a batch while it is sampled, labels mixed by area.

DiffDFKD (arXiv 2504.00870): every k steps a box of each latent is replaced by that of another image at the same
noise level; the steps that follow repair the seams.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from diffusers import SchedulerMixin
from torch import Tensor

from prism.config import CutMixConfig
from prism.errors import ModelError
from prism.seeds import derive, rng

Box = tuple[int, int, int, int]  # top, bottom, left, right

# Where multistep schedulers of diffusers keep earlier predictions, which would not be mixed with the latents; those of
# a higher order, as Heun's, keep the sample itself.
_HISTORIES = ("model_outputs", "ets", "derivatives")


class Mixture:
    """The mixing of one batch, and whose latents each image is made of in the end.

    With partners ``same-class`` each image takes from another of its class in the batch, another one each time;
    the label stays. With ``any`` the batch is paired once and for all, whatever the classes, and the two of a pair
    take from each other alone: an image then holds two classes at most, with the areas as their shares. An image
    without a partner (the odd one out) is left as it is.

    Args:
        settings: how often and how much.
        labels: the images' classes, (b,).
        seeds: the images' seeds; each draws its own boxes.
        steps: steps of the sampling; the first and the last are not mixed.
        key: seed of who is whose partner; stays when an image is drawn again with another seed.
    """

    def __init__(
        self, settings: CutMixConfig, labels: Sequence[int], seeds: Sequence[int], *, steps: int, key: int
    ) -> None:
        self.settings, self.labels, self.seeds, self.steps, self.key = settings, list(labels), list(seeds), steps, key
        self._owner: Tensor | None = None  # (b, h, w), the row that each place of a latent came from

    def apply(self, step: int, latents: Tensor) -> Tensor:
        """The latents (b, c, h, w) at ``step``, mixed if it is time; the argument stays as it is."""
        if step % self.settings.every or not 0 < step < self.steps - 1:
            return latents
        height, width = latents.shape[-2:]
        before = self.owner(height, width)
        mixed, owner = latents.clone(), before.clone()
        for row, partner in enumerate(self.partners(step)):
            if partner == row:
                continue
            random = rng(derive(self.seeds[row], "cutmix", step))
            top, bottom, left, right = draw_box(random, self.settings.alpha, height, width)
            mixed[row, :, top:bottom, left:right] = latents[partner, :, top:bottom, left:right]
            owner[row, top:bottom, left:right] = before[partner, top:bottom, left:right]
        self._owner = owner
        return mixed

    def owner(self, height: int, width: int) -> Tensor:
        """(b, height, width) int64 on the CPU: the row that each place of a latent came from, so far."""
        if self._owner is None:
            return torch.arange(len(self.labels))[:, None, None].repeat(1, height, width)
        return self._owner

    def partners(self, step: int) -> list[int]:
        """The row that each image takes its box from at ``step``; its own where there is none."""
        found = list(range(len(self.labels)))
        if self.settings.partners == "any":
            order = rng(derive(self.key, "cutmix", "pairs")).permutation(len(found)).tolist()
            for one, other in zip(order[::2], order[1::2], strict=False):
                found[one], found[other] = other, one
            return found
        for label in dict.fromkeys(self.labels):
            rows = [row for row, other in enumerate(self.labels) if other == label]
            if len(rows) > 1:
                ahead = int(rng(derive(self.key, "cutmix", "ahead", step, label)).integers(1, len(rows)))
                for place, row in enumerate(rows):
                    found[row] = rows[(place + ahead) % len(rows)]
        return found

    def shares(self) -> tuple[np.ndarray, np.ndarray]:
        """The class mixed into each image, (b,) int64, and its share of the area, (b,) float64; the own class and
        0 where nothing is mixed in.

        With partners of the same class the share is that of the area which came from other images.
        """
        classes = np.array([self.labels[partner] for partner in self.partners(0)], np.int64)
        if self._owner is None:
            return np.array(self.labels, np.int64), np.zeros(len(self.labels))
        foreign = self._owner != torch.arange(len(self.labels))[:, None, None]
        return classes, foreign.double().mean(dim=(1, 2)).numpy()


def draw_box(random: np.random.Generator, alpha: float, height: int, width: int) -> Box:
    """A box of whole places: share of the area 1 - lambda, lambda ~ Beta(alpha, alpha), centre anywhere, cut at the
    border (CutMix, Yun et al. 2019, section 3.1).
    """
    side = np.sqrt(1 - random.beta(alpha, alpha))
    centre_y, centre_x = int(random.integers(height)), int(random.integers(width))
    half_y, half_x = side * height / 2, side * width / 2
    top, bottom = round(max(centre_y - half_y, 0)), round(min(centre_y + half_y, height))
    left, right = round(max(centre_x - half_x, 0)), round(min(centre_x + half_x, width))
    return top, bottom, left, right


def check_single_step(scheduler: SchedulerMixin) -> None:
    """Refuse a scheduler that steps by earlier predictions or samples: they are of the unmixed latents.

    Raises:
        ModelError: naming the scheduler.
    """
    if any(hasattr(scheduler, name) for name in _HISTORIES) or getattr(scheduler, "order", 1) > 1:
        raise ModelError(
            f"diffusion.scheduler: cutmix cannot mix latents under {type(scheduler).__name__}, which steps by what it "
            "kept of earlier ones; use ddim"
        )
