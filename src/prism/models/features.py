"""Feature networks of the image metrics: uint8 images in, float32 features and class probabilities out.

Every network resizes the clean way (Parmar et al. 2022): PIL's bicubic filter, one channel at a time in
floating point, never rounded back to integers. Features are computed in single precision whatever the rest of
a run does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from prism.config.names import OWN_TRANSFORM
from prism.errors import ModelError
from prism.memory import Pieces
from prism.models.checkpoints import Classifier, fit_weights, load_classifier, load_weights
from prism.models.classifiers import build, check_architecture
from prism.progress import ProgressBar

_HALVES = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_RESIZE_THREADS = 4  # PIL resizes without the interpreter's lock

Heads = tuple[Tensor, Tensor | None]  # features (batch, d), logits (batch, classes) where the network classifies


@dataclass(frozen=True)
class Extraction:
    """What a feature network says of n images: ``features`` (n, d), ``probabilities`` (n, classes) or None."""

    features: np.ndarray
    probabilities: np.ndarray | None


class FeatureExtractor:
    """A frozen feature network with its preprocessing.

    Attributes:
        name: what stands in the names of metrics: ``miniature``, ``inception``, ``timm-resnet50``.
        dim: number of features.
        fingerprint: 16 hexadecimal digits of the network's weights.
        preprocessing: side, mean and standard deviation of a classifier's input; empty where the kind says them.
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        heads: Callable[[Tensor], Heads],
        prepare: Callable[[np.ndarray], Tensor],
        *,
        device: torch.device | str = "cpu",
        batch: int = 64,
    ) -> None:
        """Args: ``prepare`` makes uint8 images (n, h, w, 3) the input of ``heads``, which runs ``network``."""
        if batch < 1:
            raise ValueError(f"batch={batch} must be at least 1")
        self.name = name
        self.fingerprint = fingerprint(network)
        self.preprocessing = preprocessing(network) if isinstance(network, Classifier) else []
        self._network = network.requires_grad_(False).float().eval().to(device)
        self._heads, self._prepare = heads, prepare
        self._device, self._batch = torch.device(device), batch
        self.dim = int(self.extract(np.zeros((1, 32, 32, 3), np.uint8)).features.shape[1])

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Features float32 (n, dim) of uint8 images (n, h, w, 3)."""
        return self.extract(images).features

    @torch.inference_mode()
    def extract(self, images: np.ndarray) -> Extraction:
        """Features and class probabilities of uint8 images (n, h, w, 3), n at least 1, in one pass.

        Raises:
            ValueError: the images have another type or shape.
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or not len(images):
            raise ValueError(f"images are {images.dtype} {images.shape}; they must be uint8 (n, h, w, 3), n at least 1")
        single = len(images) <= self._batch
        with ProgressBar(total=len(images), desc=f"{self.name} features", unit="image", disable=single or None) as bar:

            def ask(rows: slice) -> Heads:
                pooled, logits = self._heads(self._prepare(images[rows]).to(self._device))
                bar.update(rows.stop - rows.start)
                return pooled.flatten(1).float().cpu(), None if logits is None else logits.double().softmax(1).cpu()

            features, probabilities = zip(*Pieces().run(ask, len(images), most=self._batch), strict=True)
        stacked = None if probabilities[0] is None else torch.cat(probabilities).numpy()
        return Extraction(torch.cat(features).numpy(), stacked)


def load_extractor(
    kind: str,
    weights: Path | str | None = None,
    *,
    given: Mapping[str, Any] | None = None,
    device: torch.device | str = "cpu",
    batch: int = 64,
) -> FeatureExtractor:
    """The feature network of the configuration's ``evaluation.extractor``.

    Args:
        kind: ``miniature`` (a file of ``save_model``), ``classifier`` (any classifier's file, its penultimate
            activations), ``inception`` (the network of FID), ``timm:<name>`` or ``torchvision:<name>``.
        weights: a file; None means the hub's cache for ``inception``, the hub for ``timm:``, and is an error
            for others.
        given: ``architecture, mean, std, size_px`` of a ``classifier`` whose file does not say them; values of
            None count as not given.
        device: where it runs.
        batch: images in a pass.

    Raises:
        ModelError: the kind is unknown, or the weights are missing or do not fit; one line says what would be
            right.
    """
    library = kind.partition(":")[0]
    if library not in (*_KINDS, "classifier"):
        names = ", ".join((*_KINDS, "classifier"))
        raise ModelError(f"evaluation.extractor.kind: {kind!r} is unknown; it may be one of {names}")
    path = None if weights is None else Path(weights)
    name = kind
    if library == "classifier":
        known = {key: value for key, value in (given or {}).items() if value is not None}
        network, heads, prepare = _classifier(_needed(kind, path), known)
        name = f"classifier-{network.architecture}"
    else:
        network, heads, prepare = _KINDS[library](kind, path)
    return FeatureExtractor(name.replace(":", "-"), network, heads, prepare, device=device, batch=batch)


def clean_resize(images: np.ndarray, size_px: int) -> np.ndarray:
    """Resize uint8 images (n, h, w, 3) to float32 (n, size_px, size_px, 3) in 0..255, without quantisation."""

    def resize(image: np.ndarray) -> np.ndarray:
        planes = (Image.fromarray(np.ascontiguousarray(image[..., channel], dtype=np.float32)) for channel in range(3))
        resized = [np.asarray(plane.resize((size_px, size_px), Image.Resampling.BICUBIC)) for plane in planes]
        return np.stack(resized, axis=2).clip(0, 255)

    with ThreadPoolExecutor(_RESIZE_THREADS) as pool:
        return np.stack(list(pool.map(resize, images)))


def fingerprint(network: nn.Module) -> str:
    """The first 16 hexadecimal digits of the sha256 of a network's names and numbers."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def preprocessing(classifier: Classifier) -> list[float]:
    """Side, mean and standard deviation of a classifier's input, of which its fingerprint knows nothing."""
    return [classifier.size_px, *classifier.mean.flatten().tolist(), *classifier.std.flatten().tolist()]


_Parts = tuple[nn.Module, Callable[[Tensor], Heads], Callable[[np.ndarray], Tensor]]


def _miniature(kind: str, weights: Path | None) -> _Parts:
    return _classifier(_needed(kind, weights), {})


def _classifier(
    weights: Path, given: Mapping[str, Any]
) -> tuple[Classifier, Callable[[Tensor], Heads], Callable[[np.ndarray], Tensor]]:
    classifier = load_classifier(weights, given)

    def heads(images: Tensor) -> Heads:
        logits, features = classifier.logits_and_features(images)
        return features, logits

    return classifier, heads, lambda images: _channels_first(images.astype(np.float32) / 255)


def _inception(kind: str, weights: Path | None) -> _Parts:
    from prism.models.inception import INCEPTION_SIZE_PX, load_inception  # late: torchvision's models take seconds

    network = load_inception(weights)

    def heads(images: Tensor) -> Heads:
        features = network(images)
        return features, features @ network.fc.weight.T  # without the bias, as the inception score is defined

    return (
        network,
        heads,
        lambda images: _channels_first((clean_resize(images, INCEPTION_SIZE_PX) - 128) / 128),
    )


def _timm(kind: str, weights: Path | None) -> _Parts:
    import timm

    check_architecture(kind)
    name = kind.partition(":")[2]
    try:
        network = timm.create_model(name, pretrained=weights is None)
    except Exception as error:  # the hub's client raises many kinds
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{kind}: its weights cannot be had from the hub ({reason}); give evaluation.extractor.weights"
        ) from error
    if weights is not None:
        fit_weights(network, load_weights(weights), num_classes=network.num_classes, path=weights)
    settings = timm.data.resolve_model_data_config(network)
    classifier = network.get_classifier()

    def heads(images: Tensor) -> Heads:
        features = network.forward_head(network.forward_features(images), pre_logits=True)
        return features, classifier(features) if isinstance(classifier, nn.Linear) else None

    return network, heads, _normaliser(settings["input_size"][-1], settings["mean"], settings["std"])


def _torchvision(kind: str, weights: Path | None) -> _Parts:
    path = _needed(kind, weights)
    network = build(kind, 1000, 224, seed=0)
    fit_weights(network, load_weights(path), num_classes=1000, path=path)
    return (
        network,
        lambda images: network.logits_and_features(images)[::-1],
        _normaliser(224, *(_HALVES if kind in OWN_TRANSFORM else (_IMAGENET_MEAN, _IMAGENET_STD))),
    )


_KINDS: dict[str, Callable[[str, Path | None], _Parts]] = {
    "miniature": _miniature,
    "inception": _inception,
    "timm": _timm,
    "torchvision": _torchvision,
}


def _needed(kind: str, weights: Path | None) -> Path:
    if weights is None:
        raise ModelError(f"evaluation.extractor.weights: missing; kind {kind} needs a file of weights")
    return weights


def _normaliser(size_px: int, mean: tuple[float, ...], std: tuple[float, ...]) -> Callable[[np.ndarray], Tensor]:
    centre, spread = np.float32(mean), np.float32(std)
    return lambda images: _channels_first((clean_resize(images, size_px) / 255 - centre) / spread)


def _channels_first(images: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32))
