"""Images of a training: on its device where they leave room there, else in the host's memory, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

_LARGEST_SHARE = 0.5  # of the device's free memory


class Placed:
    """uint8 images (n, height, width, 3) of which a training on ``device`` takes batches.

    Attributes:
        tensor: all of them, wherever they are.
        device: where a batch is given.
        resident: whether all of them are there already.
    """

    def __init__(self, images: Tensor, device: torch.device) -> None:
        self.device = device
        self.resident = _has_room(images, device)
        self.tensor = images.to(device) if self.resident else images
        self._gathered: tuple[Tensor, Future[Tensor]] | None = None  # indices and images of the batch at work

    def __len__(self) -> int:
        return len(self.tensor)

    def __getitem__(self, indices: Tensor) -> Tensor:
        """The images of ``indices`` (batch,), on the device."""
        if self._gathered is not None and self._gathered[0] is indices:
            return self._gathered[1].result().to(self.device, non_blocking=True)
        return self.tensor[indices.to(self.tensor.device)].to(self.device)

    def batches(self, order: Tensor, size: int, first: int, end: int) -> Iterator[tuple[int, Tensor]]:
        """The batches number ``first`` to ``end`` - 1 of an epoch.

        From the host's memory a batch is gathered, into pages that the device reads by itself, while the one before
        it is at work.

        Args:
            order: int64 (n,), on the CPU: the order of the images.
            size: images of a batch; the last may have fewer.
            first: the first batch wanted.
            end: the first that is not wanted any more.

        Yields:
            The batch's number and its indices (batch,) on the device; they alone get what was gathered for them.
        """
        ours = [order[step * size : (step + 1) * size] for step in range(first, end)]
        theirs = order.to(self.device)[first * size :].split(size)
        if self.resident:
            yield from enumerate(theirs[: len(ours)], start=first)
            return
        with ThreadPoolExecutor(max_workers=1) as thread:
            coming = thread.submit(self._gather, ours[0]) if ours else None
            for place, indices in enumerate(theirs[: len(ours)]):
                self._gathered = (indices, coming)
                if place + 1 < len(ours):
                    coming = thread.submit(self._gather, ours[place + 1])
                yield first + place, indices
        self._gathered = None

    def _gather(self, indices: Tensor) -> Tensor:
        """The images of ``indices`` (batch,) in the host's memory."""
        shape = (len(indices), *self.tensor.shape[1:])
        found = torch.empty(shape, dtype=self.tensor.dtype, pin_memory=self.device.type == "cuda")
        return torch.index_select(self.tensor, 0, indices, out=found)

    @property
    def shape(self) -> torch.Size:
        """(n, height, width, 3)."""
        return self.tensor.shape


def _has_room(images: Tensor, device: torch.device) -> bool:
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return images.nbytes <= _LARGEST_SHARE * free
