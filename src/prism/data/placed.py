"""Images of a training: on its device where they leave room there, else in the host's memory, a batch at a time."""

from __future__ import annotations

import torch
from torch import Tensor

_LARGEST_SHARE = 0.5  # of the device's free memory


class Placed:
    """uint8 images (n, height, width, 3) of which a training on ``device`` takes batches.

    Attributes:
        tensor: all of them, wherever they are.
        device: where a batch is given.
    """

    def __init__(self, images: Tensor, device: torch.device) -> None:
        self.device = device
        self.tensor = images.to(device) if _has_room(images, device) else images

    def __len__(self) -> int:
        return len(self.tensor)

    def __getitem__(self, indices: Tensor) -> Tensor:
        """The images of ``indices`` (batch,), on the device."""
        return self.tensor[indices.to(self.tensor.device)].to(self.device)

    @property
    def shape(self) -> torch.Size:
        """(n, height, width, 3)."""
        return self.tensor.shape


def _has_room(images: Tensor, device: torch.device) -> bool:
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return images.nbytes <= _LARGEST_SHARE * free
