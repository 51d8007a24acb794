"""The miniature's oracle as the evaluation asks it: loaded for a class list, answers beside what was wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from prism.data.classes import ClassList
from prism.data.images import ImageSet
from prism.data.shards import ShardSet
from prism.errors import DataError, ModelError
from prism.evaluation.truth import HEADS, split_heads
from prism.models.checkpoints import Classifier, load_classifier
from prism.models.scoring import predict


@dataclass(frozen=True)
class Answers:
    """What the oracle sees in n images, and what they were to show.

    ``seen``: its answer (n,) by head; ``labels``: the class (n,); ``concepts`` and ``styles``: the wanted answers
    (n,), below 0 where nothing was asked for.
    """

    seen: dict[str, np.ndarray]
    labels: np.ndarray
    concepts: np.ndarray
    styles: np.ndarray


def joined(parts: Sequence[Answers]) -> Answers:
    """The answers to several sets of images, as to one."""
    return Answers(
        {head: np.concatenate([part.seen[head] for part in parts]) for head in parts[0].seen},
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("labels", "concepts", "styles")),
    )


@dataclass(frozen=True)
class Oracle:
    """A classifier of four heads; ``sizes`` answers each, ``concept_of`` (classes,) the class list's concepts."""

    network: Classifier
    sizes: dict[str, int]
    concept_of: np.ndarray
    style_phrases: dict[str, tuple[str, ...]]

    def ask(self, images: ImageSet, *, batch: int, device: torch.device) -> Answers:
        """The answers to every image of a set with labels of the class list."""
        logits = predict(self.network.to(device), images.images, batch=batch, device=device).numpy()
        records = images.records if isinstance(images, ShardSet) else ({},) * len(images)
        styles = np.array([style_asked(record, self.style_phrases) for record in records])
        seen = split_heads(logits, tuple(self.sizes.values()))
        return Answers(seen, images.labels, self.concept_of[images.labels], styles)


def load_oracle(weights: Path, classes: ClassList) -> Oracle:
    """The oracle at ``weights``; the miniature's words are loaded only where there is an oracle to speak them.

    Raises:
        ModelError: the network has other heads.
        DataError: a class is not of the miniature's world.
    """
    from prism.miniature.captions import STYLE_PHRASES
    from prism.miniature.lexicon import COLOURS, CONCEPTS, CONTEXTS, STYLES

    words = dict(zip(HEADS, (tuple(CONCEPTS), STYLES, CONTEXTS, tuple(COLOURS)), strict=True))
    sizes = {head: len(words[head]) for head in HEADS}
    network = load_classifier(weights)
    if network.num_classes != sum(sizes.values()):
        raise ModelError(
            f"{weights}: has {network.num_classes} outputs; an oracle has {sum(sizes.values())}, "
            f"{', '.join(f'{size} for the {head}' for head, size in sizes.items())}"
        )
    keys = [f"{spec.name}.{spec.sense}" for spec in classes]
    foreign = [key for key in keys if key not in CONCEPTS]
    if foreign:
        raise DataError(
            f"{classes.source}: {foreign[0]} is not in the miniature's world; set evaluation.oracle to null"
        )
    concept_of = np.array([words["concept"].index(key) for key in keys])
    return Oracle(network, sizes, concept_of, STYLE_PHRASES)


def style_asked(record: dict[str, Any], phrases: dict[str, tuple[str, ...]]) -> int:
    """Index of the style that an image's record or prompt asks for, -1 if it asks for none."""
    styles = list(phrases)
    if record.get("style") in styles:
        return styles.index(record["style"])
    prompt = str(record.get("prompt", ""))
    asked = [index for index, style in enumerate(styles) if any(phrase in prompt for phrase in phrases[style])]
    return asked[0] if asked else -1
