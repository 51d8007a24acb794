"""Figure ``energy-histograms``: the teacher's free energy on synthesized and on real images, by method."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from prism.errors import DataError
from prism.tables.context import Context, in_order
from prism.tables.frame import kind_of, read_object
from prism.tables.plotting import COLOURS, new_figure

PER_ROW = 3


@dataclass(frozen=True)
class Histogram:
    """``edges`` (bins + 1,) of the energy, counts or densities (bins,) of synthesized and real images."""

    edges: tuple[float, ...]
    synthetic: tuple[float, ...]
    real: tuple[float, ...]


def from_files(paths: Iterable[Path], context: Context) -> Figure:
    """Draw from evaluations."""
    histograms = {}
    for path in sorted({Path(path) for path in paths}, key=str):
        content = read_object(path)
        if kind_of(content) == "evaluation":
            histogram = parse(str(path), content.get("histograms"))
            if histogram is not None:
                histograms[content["method"]] = histogram
    return draw(histograms, context)


def parse(source: str, histograms: object) -> Histogram | None:
    """Read the section "histograms" of one evaluation; None without energies. DataError names ``source``."""
    energy = histograms.get("energy") if isinstance(histograms, dict) else None
    if energy is None:
        return None
    try:
        edges, synthetic, real = (
            tuple(float(value) for value in energy[key]) for key in ("edges", "synthetic", "real")
        )
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{source}: histograms.energy needs the lists edges, synthetic and real") from None
    if len(edges) < 2 or not len(edges) - 1 == len(synthetic) == len(real):
        raise DataError(
            f"{source}: histograms.energy has {len(edges)} edges for {len(synthetic)} synthetic and "
            f"{len(real)} real bins; expected one edge more than bins"
        )
    if not np.isfinite([*edges, *synthetic, *real]).all() or (np.diff(edges) <= 0).any():
        raise DataError(f"{source}: histograms.energy holds a number that is not finite, or edges that do not rise")
    return Histogram(edges, synthetic, real)


def draw(histograms: Mapping[str, Histogram], context: Context) -> Figure:
    """One panel per method, all on one scale; DataError if there is no histogram."""
    if not histograms:
        raise DataError("figure energy-histograms: no evaluation with histograms.energy among the inputs")
    methods = in_order(histograms, context.methods)
    columns = min(PER_ROW, len(methods))
    rows = -(-len(methods) // columns)
    figure = new_figure(2.6 * columns + 0.8, 2.1 * rows + 0.7)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for panel, method in zip(panels, methods, strict=False):
        histogram = histograms[method]
        edges = np.asarray(histogram.edges)
        panel.stairs(_density(histogram.real, edges), edges, fill=True, color="#bbbbbb", label="real")
        panel.stairs(_density(histogram.synthetic, edges), edges, color=COLOURS[0], linewidth=1.6, label="synthesized")
        panel.set_title(context.label(method), fontsize=9)
    for panel in panels[len(methods) :]:
        panel.set_visible(False)
    for index in range(max(len(methods) - columns, 0), len(methods)):  # lowest visible panel of each column
        panels[index].tick_params(labelbottom=True)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    figure.supxlabel("Free energy (lower: more like what the teacher knows)", fontsize=10)
    figure.supylabel("Density", fontsize=10)
    return figure


def _density(counts: tuple[float, ...], edges: np.ndarray) -> np.ndarray:
    """Counts as a density, so that different numbers of images compare."""
    values = np.asarray(counts, dtype=float)
    area = (values * np.diff(edges)).sum()
    return values / area if area > 0 else values
