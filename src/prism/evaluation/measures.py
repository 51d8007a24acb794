"""Everything the networks say of a set of images, gathered in one pass, and kept on disk for the real set."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from prism.artifacts import atomic_path, hash_of
from prism.data.images import ImageSet
from prism.evaluation import REVISION
from prism.models.checkpoints import Classifier
from prism.models.features import FeatureExtractor, fingerprint, preprocessing
from prism.models.scoring import predict

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measured:
    """What the networks say of n images.

    ``features`` float32 (n, d) and ``probabilities`` (n, classes of the feature network; None where it does
    not classify), ``teacher_logits`` float32 (n, classes), ``labels`` int64 (n,).
    """

    labels: np.ndarray
    features: np.ndarray
    probabilities: np.ndarray | None
    teacher_logits: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: np.ndarray) -> Measured:
        """The images at ``index``."""
        chosen = None if self.probabilities is None else self.probabilities[index]
        return replace(
            self,
            labels=self.labels[index],
            features=self.features[index],
            probabilities=chosen,
            teacher_logits=self.teacher_logits[index],
        )


def joined(parts: Sequence[Measured]) -> Measured:
    """What was measured of several sets, as of one."""
    classifies = all(part.probabilities is not None for part in parts)
    return Measured(
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.probabilities for part in parts]) if classifies else None,
        np.concatenate([part.teacher_logits for part in parts]),
    )


def measure(
    images: ImageSet, extractor: FeatureExtractor, teacher: Classifier, *, batch: int, device: torch.device
) -> Measured:
    """Ask the feature network and the teacher about every image."""
    seen = extractor.extract(images.images)
    logits = predict(teacher.to(device), images.images, batch=batch, device=device)
    return Measured(images.labels, seen.features, seen.probabilities, logits.numpy())


def measure_cached(
    images: ImageSet,
    extractor: FeatureExtractor,
    teacher: Classifier,
    *,
    batch: int,
    device: torch.device,
    folder: Path,
) -> Measured:
    """As :func:`measure`, from a file in ``folder`` if the same networks have seen the same pixels before.

    All methods of an experiment share it. A file that is damaged is made anew.
    """
    description = {
        "pixels": hashlib.sha256(np.ascontiguousarray(images.images)).hexdigest(),
        "labels": hashlib.sha256(images.labels.tobytes()).hexdigest(),
        "revision": REVISION,
        "extractor": [extractor.name, extractor.fingerprint, *extractor.preprocessing],
        "teacher": [fingerprint(teacher), *preprocessing(teacher)],
        "device": device.type,
    }
    path = folder / f"{hash_of(description)}.npz"
    found = _read(path, len(images))
    if found is not None:
        return found
    measured = measure(images, extractor, teacher, batch=batch, device=device)
    arrays = {name: value for name, value in vars(measured).items() if value is not None}
    with atomic_path(path) as temporary:
        np.savez(temporary, **arrays)
    return measured


def _read(path: Path, count: int) -> Measured | None:
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            found = Measured(file["labels"], file["features"], file.get("probabilities"), file["teacher_logits"])
        if len(found) != count:
            raise ValueError(f"holds {len(found)} images instead of {count}")
    except Exception as error:  # a damaged archive fails in many ways, and each has the same cure
        log.warning("%s: unusable features are computed again (%s)", path, error)
        return None
    return found
