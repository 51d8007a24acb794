"""Real images, for the options that are labelled as not data-free: a start, or the statistics of convolutions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from prism.data.images import ImageSet
from prism.errors import DataError
from prism.inversion.patches import patches
from prism.inversion.statistics import InputMoments, Moments, moments
from prism.models.checkpoints import Classifier
from prism.models.scoring import as_float

_BATCH = 128


def starts(images: ImageSet, places: Sequence[tuple[int, int]]) -> Tensor:
    """For each (class, index) that real image of the class, in [0, 1]: (len(places), 3, height, width).

    Raises:
        DataError: a class has no image.
    """
    rows = []
    for c, j in places:
        of_class = np.flatnonzero(images.labels == c)
        if not len(of_class):
            raise DataError(f"{images.name}: has no image of class {c} to start from")
        rows.append(int(of_class[j % len(of_class)]))
    return as_float(torch.from_numpy(images.images[rows]))


@torch.no_grad()
def convolution_moments(
    classifier: Classifier, images: ImageSet, device: torch.device, patch_px: int | None = None
) -> dict[str, InputMoments]:
    """Mean and variance of the input of every 2D convolution over all images, by the layer's name: by channel, and by
    patch if ``patch_px`` is given.

    Exactly those of all activations together; G-VBSM's code averages the variances of batches instead.
    """
    sums: dict[tuple[str, str], tuple[Tensor, Tensor]] = {}  # of mean and mean square, weighted by images
    share = 0.0

    def add(name: str, seen: Tensor) -> None:
        kinds = {"channels": seen} | ({} if patch_px is None else {"patches": patches(seen, patch_px)})
        for kind, values in kinds.items():
            mean, variance = (one.double() for one in moments(values))
            first, second = sums.get((name, kind), (0.0, 0.0))
            sums[name, kind] = first + share * mean, second + share * (variance + mean.square())

    convolutions = [(name, one) for name, one in classifier.network.named_modules() if isinstance(one, nn.Conv2d)]
    handles = [
        one.register_forward_pre_hook(lambda _, inputs, name=name: add(name, inputs[0])) for name, one in convolutions
    ]
    try:
        for part in torch.from_numpy(images.images).split(_BATCH):
            share = len(part) / len(images)
            classifier(as_float(part.to(device)))
    finally:
        for handle in handles:
            handle.remove()
    found = {
        key: Moments(first.float(), (second - first.square()).clamp(min=0).float())
        for key, (first, second) in sums.items()
    }
    return {
        name: InputMoments(of_channels, found.get((name, "patches")))
        for (name, kind), of_channels in found.items()
        if kind == "channels"
    }
