"""``snakemake zoo``: the pretrained models of a world, from nothing, in one resumable run.

Finished models are kept as they are; an unfinished one goes on from its last checkpoint. The manifest, with the
sha256 of every file, is written last. The miniature's folder, copied over ``assets/miniature``, takes the place of
the shipped models.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from prism.artifacts import read_json, sha256_file, write_json, write_manifest, write_text
from prism.config import Config, ZooConfig
from prism.config.paths import zoo_paths
from prism.devices import run_facts, set_threads
from prism.errors import ConfigError
from prism.miniature.zoo import cards
from prism.miniature.zoo.drawn import miniature_parts
from prism.miniature.zoo.photographs import photographs_parts
from prism.miniature.zoo.prior import Folders, Part

log = logging.getLogger(__name__)

REVISION = 2
KINDS: dict[str, Callable[[ZooConfig], dict[str, Part]]] = {
    "miniature": miniature_parts,
    "photographs": photographs_parts,
}


def build(config: Config, output: Path) -> None:
    """Train what is missing of ``config.zoo`` below ``output`` and write ``output/manifest.json``.

    Takes some hours on two CPU cores. ``output/.work`` holds images, latents and checkpoints meanwhile.

    Raises:
        ConfigError: ``output`` was begun with another section ``zoo``.
        DataError: photographs or their class list are missing or broken.
    """
    started = time.monotonic()
    set_threads()
    settings, folders = config.zoo, Folders(output, output / ".work")
    recipe = config.recipe("zoo")
    parts = KINDS[settings.kind](settings)
    _claim(folders, {**recipe, "revision": REVISION})
    for name, train in parts.items():
        card = output / name / "README.md"
        if card.exists():
            log.info("%s: finished before", name)
            continue
        log.info("%s: training", name)
        scores = train(folders)
        write_text(card, cards.render(name, scores, settings))
    files = sorted(path for path in output.rglob("*") if path.is_file() and ".work" not in path.parts)
    read = {Path(path) for _, path in zoo_paths(config)}
    write_manifest(
        output / "manifest.json",
        stage="zoo",
        recipe=recipe,
        revision=REVISION,
        inputs={path.name: sha256_file(path) for path in sorted(read) if path.is_file()},
        outputs=[path for path in files if path != output / "manifest.json"],
        count=len(parts),
        run=run_facts(time.monotonic() - started, 0),
    )


def _claim(folders: Folders, recipe: dict[str, object]) -> None:
    """Mark the folder as that of a recipe, so that no model goes on from the checkpoint of another."""
    mark = folders.work / "recipe.json"
    if not mark.exists():
        folders.work.mkdir(parents=True, exist_ok=True)
        write_json(mark, recipe)
    elif read_json(mark) != recipe:
        raise ConfigError(
            f"config: zoo: {folders.output} was begun with other settings; move it away, or go back to those in {mark}"
        )
