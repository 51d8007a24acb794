"""Views of images, drawn once and drawn again: a random part, mirrored or not, with a patch of another image's view.

The stage that stores soft labels and the one that trains on them make their views here, so that a student sees what
the teacher saw. What is drawn follows from (seed, epoch, image). A view's pixels come of element-wise operations and
one sampling per image, so that on one device they are the same bits in whatever batch they are made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from prism.data.placed import Placed
from prism.data.sources import Images, resized
from prism.errors import DataError
from prism.seeds import derive, rng

_LARGEST_RATIO = 4 / 3  # of a part's sides, as in torchvision's RandomResizedCrop


@dataclass(frozen=True)
class Drawing:
    """What is drawn for a view.

    Args:
        crop_scale: least and largest share of the area that is shown.
        flip: mirror half of the views left to right.
        cutmix: parameter alpha of CutMix's Beta distribution; 0 for no patch.
        size_px: side of a view.
    """

    crop_scale: tuple[float, float]
    flip: bool
    cutmix: float
    size_px: int


@dataclass(frozen=True)
class Views:
    """One view of each of n images: what makes its pixels.

    Attributes:
        boxes: int16 (n, 4), top, left, height and width of the part that is shown, in pixels of the image.
        flips: uint8 (n,), 1 where it is mirrored.
        partners: int32 (n,), the image whose view of the same epoch gives the patch.
        patches: int16 (n, 4), top, bottom, left and right of the patch in pixels of the view; empty for none.
    """

    boxes: Tensor
    flips: Tensor
    partners: Tensor
    patches: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """The four, by name."""
        return {"boxes": self.boxes, "flips": self.flips, "partners": self.partners, "patches": self.patches}

    def to(self, device: torch.device) -> Views:
        """The same on another device."""
        return Views(**{name: tensor.to(device) for name, tensor in self.tensors().items()})

    @cached_property
    def patched(self) -> bool:
        """Whether any view has a patch."""
        top, bottom, left, right = self.patches.unbind(dim=1)
        return bool(((bottom > top) & (right > left)).any())

    def own_share(self, indices: Tensor, size_px: int) -> Tensor:
        """Share of the area that is the image's own, float32 (batch,): one minus the patch's."""
        top, bottom, left, right = self.patches[indices].float().unbind(dim=1)
        return 1 - (bottom - top) * (right - left) / size_px**2


def at_view_size(images: Images, size_px: int) -> Images:
    """Square images as views of side ``size_px`` are taken from them: not larger than 8/7 of that, as 256 for 224.

    Larger ones are made smaller here, antialiased, as the parts are not.

    Raises:
        DataError: the images are not square.
    """
    height, width = images.images.shape[1:3]
    if height != width:
        raise DataError(f"{images.name}: images are {height} x {width} px; soft labels need square ones")
    return resized(images, min(height, -(-8 * size_px // 7)))


def draw_views(drawing: Drawing, keys: Sequence[str], *, source_px: int, seed: int, epoch: int) -> Views:
    """The views of an epoch.

    A part has a share of the area uniform in ``crop_scale`` and sides in ratio 3:4 to 4:3, uniform in its logarithm
    (Szegedy et al. 2015), cut off at the image's sides. The patch is CutMix's (Yun et al. 2019, arXiv 1905.04899,
    section 3.1): a share 1 - lambda of the area, lambda ~ Beta(alpha, alpha), its centre uniform, cut off at the sides.
    The release of SRe2L draws partner and patch once for a batch; here every view has its own, so that labels do not
    bind the batches of the training.

    Args:
        drawing: what to draw.
        keys: the images' keys, as in their shards; an image's part is drawn by its key.
        source_px: side of the images.
        seed: the run's seed.
        epoch: from 0.
    """
    count, size = len(keys), drawing.size_px
    low, high = drawing.crop_scale
    boxes, patches = np.zeros((count, 4), np.int16), np.zeros((count, 4), np.int16)
    flips, partners = np.zeros(count, np.uint8), np.arange(count, dtype=np.int32)
    for index, key in enumerate(keys):
        draws = rng(derive(seed, "view", epoch, key))
        area, shape, down, across, mirror, other, centre_y, centre_x = draws.random(8)
        area, ratio = low + (high - low) * area, math.exp((2 * shape - 1) * math.log(_LARGEST_RATIO))
        width = min(source_px, max(1, round(source_px * math.sqrt(area * ratio))))
        height = min(source_px, max(1, round(source_px * math.sqrt(area / ratio))))
        boxes[index] = int(down * (source_px - height + 1)), int(across * (source_px - width + 1)), height, width
        flips[index] = drawing.flip and mirror < 0.5
        if drawing.cutmix and count > 1:
            partner = int(other * (count - 1))
            partners[index] = partner + (partner >= index)
            half = int(size * math.sqrt(1 - draws.beta(drawing.cutmix, drawing.cutmix))) // 2
            y, x = int(centre_y * size), int(centre_x * size)
            patches[index] = max(0, y - half), min(size, y + half), max(0, x - half), min(size, x + half)
    return Views(*map(torch.from_numpy, (boxes, flips, partners, patches)))


def render(images: Tensor | Placed, views: Views, indices: Tensor, size_px: int) -> Tensor:
    """The views' pixels.

    Args:
        images: uint8 (n, height, width, 3), square; all images, as any may be a partner.
        views: those of one epoch, on the device of the images.
        indices: int64 (batch,), the images whose views are wanted.
        size_px: side of a view.

    Returns:
        float32 (batch, 3, size_px, size_px) in [0, 1].
    """
    own = _parts(images, views, indices, size_px)
    if not views.patched:
        return own
    top, bottom, left, right = (edge[:, None] for edge in views.patches[indices].unbind(dim=1))  # (batch, 1)
    places = torch.arange(size_px, device=images.device)
    rows, columns = (places >= top) & (places < bottom), (places >= left) & (places < right)  # (batch, size_px)
    patch = rows[:, None, :, None] & columns[:, None, None, :]
    return torch.where(patch, _parts(images, views, views.partners[indices].long(), size_px), own)


def _parts(images: Tensor | Placed, views: Views, indices: Tensor, size_px: int) -> Tensor:
    """The shown part of each image, bilinear at ``size_px``, mirrored where it is to be: (batch, 3, size, size)."""
    side = images.shape[1]
    top, left, height, width = (edge[:, None] for edge in views.boxes[indices].float().unbind(dim=1))
    steps = (torch.arange(size_px, device=images.device) + 0.5) / size_px
    # Pixel places, kept inside the part: nothing beyond its edge is mixed in, as if it had been cut out first.
    rows = torch.minimum(torch.maximum(top + steps * height - 0.5, top), top + height - 1)  # (batch, size_px)
    columns = torch.minimum(torch.maximum(left + steps * width - 0.5, left), left + width - 1)
    columns = torch.where(views.flips[indices].bool()[:, None], columns.flip(1), columns)
    y, x = (2 * rows + 1) / side - 1, (2 * columns + 1) / side - 1
    shape = (len(indices), size_px, size_px)
    grid = torch.stack([x[:, None, :].expand(shape), y[:, :, None].expand(shape)], dim=-1)
    pixels = images[indices].permute(0, 3, 1, 2).float().div_(255)
    return functional.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)
