"""What all figures share: one look, and the same bytes for the same numbers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers can tell apart; yellow is too faint on white
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":")

DOTS_PER_INCH = 150

LOOK: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # shipped with matplotlib, so the same on every machine
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.facecolor": "white",
}


@contextmanager
def look() -> Iterator[None]:
    """The figures' own settings, whatever the user's matplotlibrc says; everything is put back afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcParams.update({key: matplotlib.rcParamsDefault[key] for key in _DRAWING})
        matplotlib.rcParams.update(LOOK)
        yield


_DRAWING = [key for key in matplotlib.rcParamsDefault if not key.startswith(("backend", "interactive", "toolbar"))]


def new_figure(width: float, height: float, *, layout: Literal["constrained", "none"] = "constrained") -> Figure:
    """An empty figure of ``width`` x ``height`` inches that belongs to no window and no global state."""
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def png_bytes(figure: Figure) -> bytes:
    """The figure as PNG, without the version and date that matplotlib would write into it."""
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return out.getvalue()


def colour(index: int) -> str:
    """Colour of the ``index``-th series; after the last one they repeat, with another dash and marker."""
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    """Marker of the ``index``-th series."""
    return MARKERS[(index + index // len(COLOURS)) % len(MARKERS)]


def dash(index: int) -> str:
    """Line style of the ``index``-th series."""
    return DASHES[(index // len(COLOURS)) % len(DASHES)]
