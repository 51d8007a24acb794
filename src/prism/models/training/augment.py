"""Augmentation of a whole batch on its device: a few tensor operations instead of a loop over images.

Every draw comes from the generator given, so a step's augmentation is a function of its seed alone. Mixup and
CutMix are timm's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Augmentation:
    """Which changes are drawn for each image (mixing: for each batch).

    Args:
        crop_padding_px: shift by up to so many pixels, the border mirrored; 0 switches it off.
        crop_scale: least and largest share of the area that a random resized crop keeps; None switches it
            off.
        flip: mirror half of the images left to right.
        mixup_alpha, cutmix_alpha: parameters of the Beta distributions, 0 switches each off; with both, one
            is drawn.

    Raises:
        ValueError: a value is out of its range.
    """

    crop_padding_px: int = 0
    crop_scale: tuple[float, float] | None = None
    flip: bool = False
    mixup_alpha: float = 0.0
    cutmix_alpha: float = 0.0

    def __post_init__(self) -> None:
        for name in ("crop_padding_px", "mixup_alpha", "cutmix_alpha"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)} must not be negative")
        if self.crop_scale is not None and not 0 < self.crop_scale[0] <= self.crop_scale[1] <= 1:
            raise ValueError(f"crop_scale={self.crop_scale} must be (smallest, largest), both in (0, 1]")

    @property
    def is_identity(self) -> bool:
        """Whether no image is ever changed, so that the teacher's logits can be computed once."""
        return self == Augmentation()


def augment(
    images: Tensor,
    targets: Tensor,
    augmentation: Augmentation,
    generator: torch.Generator,
    *,
    size_px: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Augmented images and their targets.

    Args:
        images: float (batch, 3, height, width) in [0, 1], not changed.
        targets: class probabilities (batch, classes); mixing mixes them too.
        augmentation: what to draw.
        generator: a generator on the CPU, so that every device draws the same.
        size_px: side of what a random resized crop returns; None for that of ``images``.
    """
    if augmentation.crop_padding_px:
        images = random_shift(images, augmentation.crop_padding_px, generator)
    if augmentation.crop_scale is not None:
        images = random_resized_crop(images, augmentation.crop_scale, generator, size_px)
    if augmentation.flip:
        images = random_flip(images, generator)
    if augmentation.mixup_alpha or augmentation.cutmix_alpha:
        images, targets = _mix(images, targets, augmentation, generator)
    return images, targets


def random_shift(images: Tensor, padding_px: int, generator: torch.Generator) -> Tensor:
    """Crop each image at a random place of itself padded by ``padding_px`` mirrored pixels."""
    batch, channels, height, width = images.shape
    top, left = torch.randint(0, 2 * padding_px + 1, (2, batch), generator=generator)
    padded = functional.pad(images, (padding_px,) * 4, mode="reflect")
    device = images.device
    rows = (top[:, None] + torch.arange(height)).to(device)  # (batch, height)
    columns = (left[:, None] + torch.arange(width)).to(device)  # (batch, width)
    which = torch.arange(batch, device=device)[:, None, None]
    # Gathered channels-last, which is how the networks want the result.
    shifted = padded.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]]
    return shifted.permute(0, 3, 1, 2)


def random_resized_crop(
    images: Tensor, scale: tuple[float, float], generator: torch.Generator, size_px: int | None = None
) -> Tensor:
    """A random part of each image with a share of its area in ``scale`` and sides in ratio 3:4 to 4:3,
    resized.

    Bilinear without antialiasing, so ``size_px`` should be near the side of the images, as 224 of 256.
    """
    batch = len(images)
    area, log_ratio, across, down = torch.rand(4, batch, generator=generator)
    area = scale[0] + (scale[1] - scale[0]) * area
    ratio = ((2 * log_ratio - 1) * np.log(4 / 3)).exp()
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    grid = torch.zeros(batch, 2, 3)
    grid[:, 0, 0], grid[:, 1, 1] = width, height
    grid[:, 0, 2], grid[:, 1, 2] = (2 * across - 1) * (1 - width), (2 * down - 1) * (1 - height)
    height_px, width_px = (size_px, size_px) if size_px else images.shape[-2:]
    shape = [batch, 3, height_px, width_px]
    places = functional.affine_grid(grid.to(images.device), shape, align_corners=False)
    return functional.grid_sample(images, places, padding_mode="reflection", align_corners=False)


def random_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image left to right with probability one half."""
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(mirrored.to(images.device)[:, None, None, None], images.flip(3), images)


def _mix(
    images: Tensor, targets: Tensor, augmentation: Augmentation, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """timm's Mixup or CutMix of each image with its mirror in the batch; an odd image out stays as it is."""
    from timm.data import Mixup

    even = len(images) // 2 * 2
    mixer = Mixup(
        augmentation.mixup_alpha,
        augmentation.cutmix_alpha,
        label_smoothing=0.0,
        num_classes=targets.shape[1],
        multi_label=True,
    )
    # timm draws from NumPy's global state: it is borrowed for the call, seeded from our generator.
    state = np.random.get_state()
    np.random.seed(int(torch.randint(0, 2**31 - 1, (), generator=generator)))
    try:
        mixed, mixed_targets = mixer(images[:even].clone(), targets[:even])
    finally:
        np.random.set_state(state)
    return torch.cat([mixed, images[even:]]), torch.cat([mixed_targets, targets[even:]])
