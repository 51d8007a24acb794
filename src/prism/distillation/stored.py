"""Lessons from stored soft labels: the views that the teachers saw, and what they answered."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from prism.data.placed import Placed
from prism.data.soft_labels import SoftLabels
from prism.data.views import Views, render


class StoredLabels:
    """Images in memory with a file of soft labels.

    Args:
        file: the labels of these images.
        images: uint8 (n, height, width, 3), all of them, as the training has them.
        labels: int64 (n,), on the device of the training.
    """

    def __init__(self, file: SoftLabels, images: Placed, labels: Tensor) -> None:
        self.file, self.images, self.labels = file, images, labels
        self._epoch: tuple[int, Tensor, Views] | None = None

    def lesson(self, epoch: int, indices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What is learned from the images ``indices`` (batch,) in an epoch.

        Returns:
            The views, float32 (batch, 3, size, size) in [0, 1]; the classes' probabilities (batch, classes), shared
            between an image and its patch by area; the teachers' logits, float32 (batch, classes).
        """
        logits, views = self._of(epoch)
        size_px, classes = self.file.facts.size_px, self.file.facts.classes
        share = views.own_share(indices, size_px)[:, None]  # (batch, 1)
        own = functional.one_hot(self.labels[indices], classes)
        other = functional.one_hot(self.labels[views.partners[indices].long()], classes)
        targets = share * own + (1 - share) * other
        return render(self.images, views, indices, size_px), targets, logits[indices].float()

    def _of(self, epoch: int) -> tuple[Tensor, Views]:
        if self._epoch is None or self._epoch[0] != epoch:
            logits, views = self.file.epoch(epoch)
            self._epoch = (epoch, logits.to(self.images.device), views.to(self.images.device))
        return self._epoch[1:]
