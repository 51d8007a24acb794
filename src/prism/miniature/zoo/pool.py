"""Pools of drawn images: drawn once, kept as memory-mapped arrays, shared by all trainers."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from prism.miniature.lexicon import IN_DISTRIBUTION
from prism.miniature.world import FRAME_PX, Scene, draw, sample_broad, sample_in_distribution


def scene_broad(index: int, seed: int) -> Scene:
    """Scene ``index`` of the broad world."""
    return sample_broad(np.random.default_rng((seed, index, 0)))


def scene_in_distribution(index: int, seed: int) -> Scene:
    """Scene ``index`` of the in-distribution world; classes take turns."""
    return sample_in_distribution(
        np.random.default_rng((seed, index, 0)), IN_DISTRIBUTION[index % len(IN_DISTRIBUTION)]
    )


def draw_pool(folder: Path, *, count: int, seed: int, scene_of: Callable[[int, int], Scene]) -> None:
    """Write ``images.npy`` (count, 32, 32, 3) uint8 and ``scenes.json``; scenes last, as the marker."""
    marker = folder / "scenes.json"
    if marker.exists() and len(json.loads(marker.read_text())) == count:
        return
    folder.mkdir(parents=True, exist_ok=True)
    images = np.lib.format.open_memmap(
        folder / "images.npy", mode="w+", dtype=np.uint8, shape=(count, FRAME_PX, FRAME_PX, 3)
    )
    scenes = []
    for index in range(count):
        scene = scene_of(index, seed)
        images[index] = draw(scene, np.random.default_rng((seed, index, 1)))
        scenes.append(asdict(scene))
    images.flush()
    part = marker.with_suffix(".part")
    part.write_text(json.dumps(scenes))
    part.replace(marker)


def read_pool(folder: Path) -> tuple[np.ndarray, list[Scene]]:
    """Images (n, 32, 32, 3) uint8, memory-mapped, and their scenes."""
    scenes = [Scene(**row) for row in json.loads((folder / "scenes.json").read_text())]
    return np.load(folder / "images.npy", mmap_mode="r"), scenes
