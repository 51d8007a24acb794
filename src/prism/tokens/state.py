"""Where the learning of tokens stands: all that a killed run needs to go on in the same bytes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from prism.artifacts import write_bytes

log = logging.getLogger(__name__)


@dataclass
class State:
    """Tables of the classes, (classes, ...), and the clock.

    ``rows`` are learned with the moments ``first`` and ``second`` and the ``gradient`` gathered so far; ``best`` are
    those kept. ``losses`` and ``hits`` (epochs, classes) sum over the images that each epoch has drawn. ``clock``
    (4,) counts epochs, updates of this epoch, batches of this update, and updates in all.
    """

    rows: Tensor
    first: Tensor
    second: Tensor
    gradient: Tensor
    best: Tensor
    active: Tensor
    epochs: Tensor
    losses: Tensor
    hits: Tensor
    clock: Tensor

    @classmethod
    def new(cls, initial: Tensor, classes: int, epochs: int) -> State:
        """Every class at the embedding ``initial`` (width,), nothing drawn yet."""
        device = initial.device
        rows = initial.detach().expand(classes, -1).clone()
        return cls(
            rows=rows,
            first=torch.zeros_like(rows),
            second=torch.zeros_like(rows),
            gradient=torch.zeros_like(rows),
            best=rows.clone(),
            active=torch.ones(classes, dtype=torch.bool, device=device),
            epochs=torch.zeros(classes, dtype=torch.long, device=device),
            losses=torch.zeros(epochs, classes, dtype=torch.float64, device=device),
            hits=torch.zeros(epochs, classes, dtype=torch.long, device=device),
            clock=torch.zeros(4, dtype=torch.long),
        )

    def save(self, path: Path) -> None:
        """Write the state, whole or not at all."""
        write_bytes(path, safetensors.torch.save({one.name: getattr(self, one.name).cpu() for one in fields(self)}))

    def restored(self, path: Path) -> State:
        """The state in ``path`` on this state's device, or this one if there is none or it was damaged."""
        if not path.exists():
            return self
        try:
            saved = safetensors.torch.load_file(path, device="cpu")
            read = {}
            for one in fields(self):
                mine, theirs = getattr(self, one.name), saved[one.name]
                if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
                    raise ValueError(f"{one.name} has another form")
                read[one.name] = theirs.to(mine.device)
            return State(**read)
        except (SafetensorError, OSError, ValueError, KeyError) as error:
            log.warning("%s: cannot be used (%s); the tokens are learned from the start", path, error)
            return self
