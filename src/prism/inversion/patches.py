"""Maps cut into patches, so that statistics can be told apart by place."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def patches(maps: Tensor, side_px: int) -> Tensor:
    """All values of each square of ``side_px``, row by row: (batch, places, channels * side_px ** 2).

    As in G-VBSM's code (Shao et al. 2024): maps whose sides are no multiples of ``side_px`` are enlarged to the next
    ones first, bilinearly; a map smaller than a patch is one place.

    Args:
        maps: (batch, channels, height, width).
        side_px: side of a patch, in places of the map.
    """
    batch, channels, *sides = maps.shape
    rows, columns = (-(-side // side_px) for side in sides)
    whole = (rows * side_px, columns * side_px)
    if whole != tuple(sides):
        maps = functional.interpolate(maps, whole, mode="bilinear", align_corners=False)
    cut = maps.reshape(batch, channels, rows, side_px, columns, side_px)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(batch, rows * columns, -1)
