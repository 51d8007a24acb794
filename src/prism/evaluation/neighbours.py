"""Squared distances and k-nearest-neighbour radii, tile by tile: memory depends on the tile, not on the
sample count.

Distances are screened by a matrix product, in single precision on the CPU and in double on an accelerator.
Whatever the screen's rounding error leaves open is settled in double precision by differences, whose own
error is relative to the distance; two squared distances within *that* error are a tie. So results do not
depend on tile, threads or device, and a copied sample ties with its original instead of falling on a random
side.

The screen works on centred features, which keeps its error small: for squared norms a and b, ``a + b - 2xy``
is off by less than ``(4 sqrt(d) + 8) * eps * (a + b)``, but for a chance below 1e-13 a pair (Higham and Mary
2019, theorem 2.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

_SPARE_NEIGHBOURS = 4  # kept beyond the k-th, so that the screen's error can be repaired without a second search
_NUMBERS_AT_ONCE = 1 << 17  # gathered at once when single pairs are computed: one mebibyte stays in the cache


@dataclass(frozen=True)
class Tile:
    """Some rows of a set as the screen sees them, with their squared norms."""

    start: int
    rows: Tensor  # (tile, d), centred
    norms: Tensor  # (tile,)

    @property
    def held(self) -> slice:
        """Where the rows are in their set."""
        return slice(self.start, self.start + len(self.rows))


def mean_row(features: Tensor) -> Tensor:
    """Mean over rows (d,) in double precision, without a double copy of the set."""
    total = torch.zeros(features.shape[1], dtype=torch.float64, device=features.device)
    for part in features.split(4096):
        total += part.double().sum(0)
    return total / len(features)


def tiles(features: Tensor, centre: Tensor, size: int, *, start: int = 0, exact: bool = False) -> Iterator[Tile]:
    """Centred tiles of ``features`` (n, d) from row ``start`` on; ``exact`` asks for double precision."""
    single = features.device.type == "cpu" and not exact
    for first in range(start, len(features), size):
        rows = features[first : first + size]
        rows = (rows - centre.to(rows.dtype)).float() if single else rows.double() - centre
        yield Tile(first, rows, rows.square().sum(1))


def screen(first: Tile, second: Tile) -> Tensor:
    """Squared distances (len(first), len(second)), off by at most :func:`screen_error`."""
    return torch.addmm(first.norms[:, None] + second.norms, first.rows, second.rows.T, alpha=-2)


def screen_error(first: Tile, second: Tile) -> Tensor:
    """Bound (len(first),) on the error in each row of :func:`screen`."""
    relative = (4 * first.rows.shape[1] ** 0.5 + 8) * torch.finfo(first.rows.dtype).eps
    return relative * (first.norms + second.norms.max())


def exact_pairs(first: Tensor, second: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Squared distances (pairs,) in double precision between ``first[rows]`` and ``second[columns]``."""
    step = max(1, _NUMBERS_AT_ONCE // first.shape[1])
    squared = torch.empty(len(rows), dtype=torch.float64, device=first.device)
    for start in range(0, len(rows), step):
        held = slice(start, start + step)
        difference = first[rows[held]].double() - second[columns[held]].double()
        squared[held] = difference.square_().sum(1)
    return squared


def tie_width(radii: Tensor, width: int) -> Tensor:
    """How far a squared distance of ``width`` features may be from each squared radius and still equal it."""
    return (width + 8) * torch.finfo(torch.float64).eps * radii


def squared_radii(features: Tensor, ks: tuple[int, ...], *, tile: int) -> dict[int, Tensor]:
    """Squared distance (n,) of each row to its k-th nearest other row, in double precision, for every k in
    ``ks``.

    Args:
        features: (n, d).
        ks: which neighbours; the row itself does not count.
        tile: rows held at once.

    Raises:
        ValueError: a k is not in 1..n-1.
    """
    count = len(features)
    for k in ks:
        if not 1 <= k < count:
            raise ValueError(f"k={k} must be from 1 to {count - 1}, one less than the number of samples")
    kept = min(max(ks) + _SPARE_NEIGHBOURS, count - 1)
    centre = mean_row(features)
    radii, certain = _settle(features, *_screen_neighbours(features, centre, kept, tile), max(ks))
    doubtful = (~certain).nonzero().flatten()
    for part in doubtful.split(tile) if len(doubtful) else ():
        radii[part] = _search_exactly(features, centre, part, kept, tile)
    return {k: radii[:, k - 1].contiguous() for k in ks}


def _settle(features: Tensor, nearest: Tensor, index: Tensor, error: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Exact squared distances (n, kept) of screened neighbours, ascending, and whether each row's k-th is
    certain.
    """
    count, kept = nearest.shape
    rows = torch.arange(count, device=features.device).repeat_interleave(kept)
    exact = exact_pairs(features, features, rows, index.flatten()).view(count, kept).sort(1).values
    # Certain if nobody left out of the kept neighbours can be nearer than the k-th of them.
    certain = exact[:, k - 1] <= nearest.amax(1).double() - error.double()
    return exact, certain | (kept == count - 1)


def _screen_neighbours(features: Tensor, centre: Tensor, kept: int, tile: int) -> tuple[Tensor, Tensor, Tensor]:
    """Screened squared distances and indices (n, kept) of the nearest other rows, and the error (n,) in them."""
    nearest, index, error = _nothing_yet(len(features), kept, next(tiles(features[:1], centre, 1)).rows)
    for first in tiles(features, centre, tile):
        for second in tiles(features, centre, tile, start=first.start):
            squared = screen(first, second)
            if second.start == first.start:
                squared.fill_diagonal_(torch.inf)
            else:  # one product serves both tiles
                _merge(nearest[second.held], index[second.held], squared.T.contiguous(), first.start)
                error[second.held] = error[second.held].maximum(screen_error(second, first))
            _merge(nearest[first.held], index[first.held], squared, second.start)
            error[first.held] = error[first.held].maximum(screen_error(first, second))
    return nearest, index, error


def _search_exactly(features: Tensor, centre: Tensor, rows: Tensor, kept: int, tile: int) -> Tensor:
    """Exact squared distances (len(rows), kept) to the nearest other rows, ascending, found in double
    precision.
    """
    (own,) = tiles(features[rows], centre, len(rows), exact=True)
    nearest, index, _ = _nothing_yet(len(rows), kept, own.rows)
    for other in tiles(features, centre, tile, exact=True):
        squared = screen(own, other)
        inside = ((rows >= other.start) & (rows < other.held.stop)).nonzero().flatten()
        squared[inside, rows[inside] - other.start] = torch.inf
        _merge(nearest, index, squared, other.start)
    return exact_pairs(features, features, rows.repeat_interleave(kept), index.flatten()).view(-1, kept).sort(1).values


def _nothing_yet(count: int, kept: int, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return (
        torch.full((count, kept), torch.inf, dtype=like.dtype, device=like.device),
        torch.zeros((count, kept), dtype=torch.int64, device=like.device),
        torch.zeros(count, dtype=like.dtype, device=like.device),
    )


def _merge(nearest: Tensor, index: Tensor, squared: Tensor, offset: int) -> None:
    """Keep, in place, the nearest of what each row has and of the columns of ``squared``, numbered from
    ``offset``.
    """
    kept = nearest.shape[1]
    values, columns = squared.topk(min(kept, squared.shape[1]), dim=1, largest=False)
    values, columns = torch.cat([nearest, values], 1), torch.cat([index, columns + offset], 1)
    values, order = values.topk(kept, dim=1, largest=False)
    nearest.copy_(values)
    index.copy_(columns.gather(1, order))
