"""Hashes of model files, for manifests."""

from __future__ import annotations

import hashlib
from pathlib import Path

from prism.artifacts import sha256_file
from prism.errors import ModelError

# What defines a model; documentation beside it does not.
_DEFINING = (".safetensors", ".json", ".txt", ".th", ".pth", ".pt", ".jinja")


def hash_weights(path: Path) -> str:
    """16 hexadecimal digits for a weights file, or for all defining files of a model folder with their names.

    Raises:
        ModelError: the path does not exist, or the folder holds no weights.
    """
    path = Path(path)
    if path.is_file():
        return sha256_file(path)[:16]
    if not path.is_dir():
        raise ModelError(f"{path}: there is no such model file or folder")
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.suffix in _DEFINING)
    if not files:
        raise ModelError(f"{path}: the folder holds no model weights")
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(path).as_posix()}\0{sha256_file(file)}\n".encode())
    return digest.hexdigest()[:16]
