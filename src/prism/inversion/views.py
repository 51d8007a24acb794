"""What the teachers are shown in a step: pixels rolled, mirrored, cropped, repeated in shifted colours.

All draws of a phase but the colours come from one table, made before its first step: the step that a resumed run
takes is the step of a run that nothing disturbed, and no draw waits for a device.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from prism.config import InversionConfig
from prism.inversion.schedule import Phase
from prism.seeds import derive, generator


class Views:
    """The views of one batch in one phase.

    Args:
        settings: jitter, flip, crop and, for images that grow, repeat and colour shift.
        phase: sides and number of steps.
        size_px: side of the teacher's input; jitter is scaled to smaller ones.
        seed: of this batch and phase.
    """

    def __init__(self, settings: InversionConfig, phase: Phase, size_px: int, seed: int) -> None:
        self._seed, self._phase, self._growth = seed, phase, settings.growth
        seen_px = phase.side_px // phase.pool
        # At half resolution DeepInversion jitters by half; images that grow are small themselves.
        limit = min(settings.jitter_px * seen_px // size_px, seen_px - 1)
        count = phase.iterations
        self._rolls = _integers(-limit, limit, (count, 2), derive(seed, "jitter")) if limit > 0 else None
        self._flips = _integers(0, 1, (count, 1), derive(seed, "flip")) if settings.flip else None
        self._crops = crops(settings.crop_scale, count, seen_px, derive(seed, "crop")) if settings.crop_scale else None

    @property
    def copies(self) -> int:
        """How often each image is shown in a step."""
        return self._growth.repeat if self._growth is not None else 1

    def __call__(self, pixels: Tensor, iteration: int) -> Tensor:
        """The view (copies * batch, 3, side, side) of pixels (batch, 3, side_px, side_px); images change fastest."""
        view = functional.avg_pool2d(pixels, self._phase.pool) if self._phase.pool > 1 else pixels
        if self._crops is not None:
            top, left, height, width = self._crops[iteration]
            side = view.shape[-2:]
            part = view[:, :, top : top + height, left : left + width]
            view = functional.interpolate(part, side, mode="bilinear", align_corners=False)
        if self._flips is not None and self._flips[iteration][0]:
            view = view.flip(3)
        if self._rolls is not None:
            view = view.roll(self._rolls[iteration], (2, 3))
        if self._growth is not None:
            view = self._coloured(view.repeat(self.copies, 1, 1, 1), iteration)
        return view.contiguous(memory_format=torch.channels_last)

    def _coloured(self, view: Tensor, iteration: int) -> Tensor:
        """ColorShift: ``x exp(u1) + u2`` by copy and channel, anew in each step (Ghiasi et al. 2022, section 3)."""
        width = self._growth.colour_shift
        if not width:
            return view
        drawn = torch.rand(2, len(view), 3, 1, 1, generator=generator(derive(self._seed, "colour", iteration)))
        factor, shift = ((2 * drawn - 1) * width).to(view.device, view.dtype, non_blocking=True)
        return torch.addcmul(shift, view, factor.exp())


def crops(scale: tuple[float, float], count: int, side_px: int, seed: int) -> list[tuple[int, int, int, int]]:
    """Random parts (top, left, height, width) in pixels, with a share of the area in ``scale`` and sides in ratio 3:4
    to 4:3: one for each step, the same for all images of a batch, as SRe2L's code has it.
    """
    area, log_ratio, down, across = torch.rand(4, count, generator=generator(seed), dtype=torch.float64)
    area = scale[0] + (scale[1] - scale[0]) * area
    ratio = ((2 * log_ratio - 1) * math.log(4 / 3)).exp()
    height = ((area / ratio).sqrt().clamp(max=1) * side_px).round().clamp(min=1)
    width = ((area * ratio).sqrt().clamp(max=1) * side_px).round().clamp(min=1)
    top, left = (down * (side_px - height)).round(), (across * (side_px - width)).round()
    return [tuple(row) for row in torch.stack([top, left, height, width], 1).long().tolist()]


def grown(pixels: Tensor, side_px: int, border: float, seeds: list[int]) -> Tensor:
    """The start of the next stage of a growth: the last result enlarged, inside a fresh random border.

    Plug-In Inversion's code has borders of no, half a and a whole step: zooming, both, and centring alone.

    Args:
        pixels: (batch, 3, s, s) in [0, 1].
        side_px: the new side.
        border: share of the growth that the border takes, both sides together.
        seeds: one an image, for its border.
    """
    inner = side_px - round(border * (side_px - pixels.shape[-1]))
    start = (side_px - inner) // 2
    drawn = [torch.rand(3, side_px, side_px, generator=generator(seed)) for seed in seeds]
    fresh = torch.stack(drawn).to(pixels.device, pixels.dtype)
    inside = functional.interpolate(pixels, (inner, inner), mode="bilinear", align_corners=False)
    fresh[:, :, start : start + inner, start : start + inner] = inside
    return fresh


def _integers(low: int, high: int, shape: tuple[int, int], seed: int) -> list[list[int]]:
    return torch.randint(low, high + 1, shape, generator=generator(seed)).tolist()
