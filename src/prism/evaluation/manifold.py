"""Precision and recall, density and coverage: how the two sets lie in each other's neighbourhoods.

Every sample carries a ball that reaches to its k-th nearest neighbour of its own set. Improved precision and
recall (Kynkaanniemi et al. 2019, eq. 1-3; k = 3, the border belongs to the ball) ask which samples of one set
fall into some ball of the other; density and coverage (Naeem et al. 2020, eq. 3-4; k = 5, the border does not
belong) count in how many real balls a synthetic sample lies, and which real balls are hit at all. All four
come from one pass over tiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from prism.evaluation.features import Features, as_pair
from prism.evaluation.neighbours import (
    Tile,
    exact_pairs,
    mean_row,
    screen,
    screen_error,
    squared_radii,
    tie_width,
    tiles,
)

DEFAULT_TILE = 2048
_DENSE = 0.05  # share of undecided pairs in a tile above which a second screen in double precision pays off


@dataclass(frozen=True)
class Manifold:
    """The four shares; ``density`` may exceed 1, the others may not."""

    precision: float
    recall: float
    density: float
    coverage: float


@dataclass(frozen=True)
class _Balls:
    """The balls of one set: squared radii (n,), whether a sample on the border is outside, and whose they
    are.
    """

    radii: Tensor
    strict: bool
    of_real: bool


def manifold_metrics(
    *,
    real: Features,
    synthetic: Features,
    k_precision: int = 3,
    k_density: int = 5,
    strict_precision: bool = False,
    strict_density: bool = True,
    tile: int = DEFAULT_TILE,
) -> Manifold:
    """Precision, recall, density and coverage of ``synthetic`` (m, d) against ``real`` (n, d).

    Args:
        real, synthetic: features of one network; equal counts make the values comparable.
        k_precision, strict_precision: neighbour and convention of precision and recall. Strict: a sample
            exactly on the border of a ball is outside it.
        k_density, strict_density: the same for density and coverage.
        tile: rows of each set held at once; changes memory and time, never a result.

    Raises:
        ValueError: shapes do not fit, a number is not finite, or a set has no k-th neighbour.
    """
    if tile < 1:
        raise ValueError(f"tile={tile} must be at least 1")
    first, second = as_pair(real=real, synthetic=synthetic, minimum=2)
    radii = squared_radii(first, (k_precision, k_density), tile=tile)
    other = squared_radii(second, (k_precision,), tile=tile)
    precision_balls = _Balls(radii[k_precision], strict_precision, of_real=True)
    recall_balls = _Balls(other[k_precision], strict_precision, of_real=False)
    density_balls = _Balls(radii[k_density], strict_density, of_real=True)
    precise, recalled, covered = (torch.zeros(len(each), dtype=torch.bool) for each in (second, first, first))
    memberships = 0
    for pair in _tile_pairs(first, second, tile):
        inside = pair.inside(precision_balls)  # (real tile, synthetic tile), as below
        precise[pair.second.held] |= inside.any(0).cpu()
        inside = pair.inside(recall_balls)
        recalled[pair.first.held] |= inside.any(1).cpu()
        inside = pair.inside(density_balls)
        covered[pair.first.held] |= inside.any(1).cpu()
        memberships += int(inside.count_nonzero())
    return Manifold(
        precision=precise.double().mean().item(),
        recall=recalled.double().mean().item(),
        density=memberships / (k_density * len(second)),
        coverage=covered.double().mean().item(),
    )


@dataclass(frozen=True)
class _Pair:
    """A tile of the real set against a tile of the synthetic set."""

    real: Tensor
    synthetic: Tensor
    centre: Tensor
    first: Tile
    second: Tile
    squared: Tensor  # (first, second), screened
    error: Tensor  # one bound for the whole tile

    def inside(self, balls: _Balls) -> Tensor:
        """Which pairs (first, second) are no further apart than the ball reaches, decided exactly."""
        radii = balls.radii[self.first.held][:, None] if balls.of_real else balls.radii[self.second.held][None, :]
        inside, undecided = _sort_out(self.squared, radii, self.error)
        rows, columns = undecided.nonzero(as_tuple=True)
        if len(rows) > _DENSE * undecided.numel():
            inside, undecided = self._screen_again(radii)
            rows, columns = undecided.nonzero(as_tuple=True)
        if len(rows):
            exact = exact_pairs(self.real, self.synthetic, rows + self.first.start, columns + self.second.start)
            limit = radii.expand_as(inside)[rows, columns]
            width = tie_width(limit, self.real.shape[1])
            inside[rows, columns] = exact < limit - width if balls.strict else exact <= limit + width
        return inside

    def _screen_again(self, radii: Tensor) -> tuple[Tensor, Tensor]:
        first, second = (
            next(tiles(features[tile.held], self.centre, len(tile.rows), exact=True))
            for features, tile in ((self.real, self.first), (self.synthetic, self.second))
        )
        return _sort_out(screen(first, second), radii, screen_error(first, second).amax())


def _tile_pairs(real: Tensor, synthetic: Tensor, tile: int) -> Iterator[_Pair]:
    centre = mean_row(real)
    for first in tiles(real, centre, tile):
        for second in tiles(synthetic, centre, tile):
            squared, error = screen(first, second), screen_error(first, second).amax()
            yield _Pair(real, synthetic, centre, first, second, squared, error)


def _sort_out(squared: Tensor, radii: Tensor, error: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs certainly inside, and pairs too near the border for the screen to tell."""
    inside = squared < (radii - error).to(squared.dtype)
    return inside, (squared <= (radii + error).to(squared.dtype)).logical_xor_(inside)
