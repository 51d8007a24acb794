"""The file of an unfinished training, from which a killed job goes on: never believed where anything is amiss."""

from __future__ import annotations

import hashlib
import logging
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from prism.artifacts import atomic_path

log = logging.getLogger(__name__)

_FINGERPRINT = "fingerprint"
_DAMAGED = (  # what reading such a file raises, as far as it was seen
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    EOFError,
    pickle.UnpicklingError,
)


def save_unfinished(path: Path, state: Mapping[str, Any], *, fingerprint: str) -> None:
    """Write tensors, numbers, and lists and dicts of them, whole or not at all.

    Args:
        path: the file.
        state: what :func:`load_unfinished` gives back.
        fingerprint: tells this training from all others; a state goes on nowhere else.

    Raises:
        DiskError: it cannot be written.
    """
    with atomic_path(path) as temporary:
        torch.save({**state, _FINGERPRINT: fingerprint}, temporary)


def load_unfinished(
    path: Path | None, keys: Sequence[str], *, fingerprint: str, device: torch.device
) -> dict[str, Any] | None:
    """The state in ``path`` with its tensors on ``device``, or None where the training has to start anew.

    That is where ``path`` is None or no file, and, with a warning, where the file is damaged, lacks one of ``keys`` or
    has another fingerprint. No code in it is ever run.
    """
    if path is None or not path.is_file():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        if not isinstance(state, dict) or any(key not in state for key in keys):
            raise ValueError(f"it does not hold {', '.join(keys)}")
        if state.get(_FINGERPRINT) != fingerprint:
            raise ValueError("it belongs to another recipe")
    except _DAMAGED as error:
        log.warning("%s: is left aside (%s); starting anew", path, error)
        return None
    return state


def hash_of_tensor(tensor: Tensor) -> str:
    """The sha256 of a tensor's bytes in the order of its dimensions, for a fingerprint."""
    return hashlib.sha256(tensor.cpu().contiguous().numpy()).hexdigest()
