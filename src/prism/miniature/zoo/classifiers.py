"""Teachers, the feature network and the oracle: classifiers of the two worlds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from prism.miniature.lexicon import COLOURS, CONCEPTS, CONTEXTS, IN_DISTRIBUTION, STYLES
from prism.miniature.world import FRAME_PX, Scene
from prism.miniature.zoo.loop import Losses, Schedule, autocast, train
from prism.models.checkpoints import Classifier, save_model
from prism.models.classifiers import build

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
TEACHERS = ("miniature-resnet", "miniature-vgg", "miniature-mobilenet", "miniature-mixer")
ORACLE_HEADS = (len(CONCEPTS), len(STYLES), len(CONTEXTS), len(COLOURS))


def concept_targets(scenes: Sequence[Scene]) -> np.ndarray:
    """(n, 1) indices into all concepts."""
    order = {key: index for index, key in enumerate(CONCEPTS)}
    return np.array([[order[scene.concept]] for scene in scenes])


def class_targets(scenes: Sequence[Scene]) -> np.ndarray:
    """(n, 1) indices into the ten in-distribution classes."""
    return np.array([[IN_DISTRIBUTION.index(scene.concept)] for scene in scenes])


def oracle_targets(scenes: Sequence[Scene]) -> np.ndarray:
    """(n, 4) indices of concept, style, context and colour."""
    colours = list(COLOURS)
    factors = [(STYLES.index(s.style), CONTEXTS.index(s.context), colours.index(s.colour)) for s in scenes]
    return np.concatenate([concept_targets(scenes), np.array(factors)], axis=1)


def train_classifier(
    architecture: str,
    images: np.ndarray,
    targets: np.ndarray,
    heads: Sequence[int],
    work: Path,
    schedule: Schedule,
    *,
    batch: int = 128,
    noise_std: float = 0.0,
) -> Classifier:
    """Cross-entropy on every head; ``targets`` (n, heads); logits of the heads stand behind each other.

    Images are shifted by up to two pixels; ``noise_std`` (in units of [0, 1]) adds Gaussian noise of random
    strength up to it, for networks that must also read images with the small faults of generated ones.
    """
    torch.manual_seed(schedule.seed)
    network = build(architecture, sum(heads), FRAME_PX, seed=schedule.seed).to(memory_format=torch.channels_last)
    model = Classifier(network, architecture=architecture, num_classes=sum(heads), size_px=FRAME_PX, mean=MEAN, std=STD)

    def loss_of(rng: np.random.Generator, noise: torch.Generator) -> Losses:
        rows = rng.integers(len(images), size=batch)
        pixels = np.pad(images[np.sort(rows)], ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
        top, left = rng.integers(0, 5, size=2)
        pixels = pixels[:, top : top + FRAME_PX, left : left + FRAME_PX]
        x = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 255
        if noise_std:
            strength = noise_std * torch.rand(batch, 1, 1, 1, generator=noise)
            x = x + strength * torch.randn(x.shape, generator=noise)
        wanted = torch.from_numpy(targets[np.sort(rows)])  # (batch, heads)
        with autocast(x.device):
            logits = model(x.contiguous(memory_format=torch.channels_last)).float()
        parts = logits.split(list(heads), dim=1)
        return {f"head{i}": F.cross_entropy(part, wanted[:, i]) for i, part in enumerate(parts)}

    train(model, loss_of, schedule, work, name=architecture)
    return model.eval()


@torch.no_grad()
def accuracies(model: Classifier, images: np.ndarray, targets: np.ndarray, heads: Sequence[int]) -> list[float]:
    """Share of right answers of every head on uint8 images (n, 32, 32, 3)."""
    right = np.zeros(len(heads))
    for start in range(0, len(images), 500):
        x = torch.from_numpy(np.array(images[start : start + 500])).permute(0, 3, 1, 2).float() / 255
        parts = model(x).split(list(heads), dim=1)
        wanted = targets[start : start + 500]
        right += [(part.argmax(1).numpy() == wanted[:, i]).sum() for i, part in enumerate(parts)]
    return [float(value) / len(images) for value in right]


def save_classifier(model: Classifier, path: Path, class_names: Sequence[str], scores: dict[str, float]) -> None:
    """Write weights and everything needed to load them again; scores are part of the metadata."""
    save_model(
        path,
        model,
        {
            "architecture": model.architecture,
            "num_classes": model.num_classes,
            "size_px": FRAME_PX,
            "mean": list(MEAN),
            "std": list(STD),
            "class_names": list(class_names),
            "scores": {name: round(score, 4) for name, score in scores.items()},
        },
    )
