"""Figure ``images``: a grid of synthesized images, one block of rows per method, one column per class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from prism.data.shards import first_images, manifest_path
from prism.errors import DataError
from prism.tables.context import Context, in_order
from prism.tables.frame import manifest_owner, read_object
from prism.tables.plotting import DOTS_PER_INCH, new_figure

MAX_CLASSES = 10
PER_CLASS = 2
CELL_PX = 96  # each image is brought to about this size, by whole factors, so that its pixels stay what they are
GAP_PX = 4
HEADER_PX = 32
LETTER_PX = 11  # more than the mean width of a letter at the labels' size

Picked = dict[int, list[np.ndarray]]


def from_files(paths: Iterable[Path], context: Context) -> Figure:
    """Draw from the first shard of each method, which holds images of all classes.

    ``paths`` are shards or their manifests. Raises DataError if none is among them, or one is broken.
    """
    shards = {path if path.suffix == ".tar" else path.with_suffix(".tar") for path in map(Path, paths)}
    first: dict[str, Path] = {}
    for shard in sorted(shards, key=str):
        beside = manifest_path(shard)
        first.setdefault(manifest_owner(beside, read_object(beside)), shard)
    classes = shown_classes(len(context.class_names))
    picked = {}
    for method, shard in first.items():
        picked[method] = first_images(shard, classes, PER_CLASS)
    return draw(picked, context)


def shown_classes(total: int) -> list[int]:
    """At most ``MAX_CLASSES`` class indices, spread evenly over all of them."""
    if total <= MAX_CLASSES:
        return list(range(total))
    return [round(step * (total - 1) / (MAX_CLASSES - 1)) for step in range(MAX_CLASSES)]


def draw(picked: Mapping[str, Picked], context: Context) -> Figure:
    """Draw the grid; DataError if no image is among the inputs."""
    methods = [method for method in in_order(picked, context.methods) if any(picked[method].values())]
    if not methods:
        raise DataError("figure images: no synthesized image among the inputs; run the stage synthesis first")
    classes = sorted({index for method in methods for index in picked[method]})
    rows = max(len(images) for method in methods for images in picked[method].values())
    blocks = [_block(picked[method], classes, rows) for method in methods]
    height, width = blocks[0].shape[:2]
    labels = [context.label(method) for method in methods]
    left = LETTER_PX * max(map(len, labels)) + 3 * GAP_PX
    full = (
        left + width + 3 * GAP_PX,
        HEADER_PX + len(blocks) * (height + 3 * GAP_PX),
    )  # of the figure, in pixels
    figure = new_figure(full[0] / DOTS_PER_INCH, full[1] / DOTS_PER_INCH, layout="none")
    for index, (label, block) in enumerate(zip(labels, blocks, strict=True)):
        top = HEADER_PX + index * (height + 3 * GAP_PX)
        panel = figure.add_axes((left / full[0], 1 - (top + height) / full[1], width / full[0], height / full[1]))
        panel.imshow(block, interpolation="nearest", aspect="auto")  # one pixel of the block to one of the figure
        panel.grid(False)
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
        panel.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    panel = figure.axes[0]
    panel.xaxis.tick_top()
    centres = [column * (CELL_PX + GAP_PX) + CELL_PX / 2 for column in range(len(classes))]
    panel.set_xticks(centres, [_short(context.class_names[index]) for index in classes], fontsize=7)
    panel.tick_params(length=0)
    return figure


def _block(picked: Picked, classes: Sequence[int], rows: int) -> np.ndarray:
    """One method's images, ``rows`` x classes, on white; (height, width, 3) uint8."""
    step = CELL_PX + GAP_PX
    canvas = np.full((rows * step - GAP_PX, len(classes) * step - GAP_PX, 3), 255, dtype=np.uint8)
    for column, index in enumerate(classes):
        for row, image in enumerate(picked.get(index, [])):
            cell = _resized(image)
            top, left = (
                row * step + (CELL_PX - len(cell)) // 2,
                column * step + (CELL_PX - cell.shape[1]) // 2,
            )
            canvas[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    return canvas


def _resized(image: np.ndarray) -> np.ndarray:
    """(h, w, 3) to at most ``CELL_PX``: enlarged by repeating pixels, reduced by averaging blocks."""
    longest = max(image.shape[:2])
    if longest <= CELL_PX:
        factor = CELL_PX // longest
        return image.repeat(factor, axis=0).repeat(factor, axis=1)
    factor = -(-longest // CELL_PX)
    height, width = (side // factor * factor for side in image.shape[:2])
    blocks = image[:height, :width].reshape(height // factor, factor, width // factor, factor, 3)
    return blocks.mean(axis=(1, 3)).round().astype(np.uint8)


def _short(name: str) -> str:
    return name if len(name) <= 13 else name[:12] + "…"
