"""Room for the pixels of many images: in memory, or beyond some gigabytes in a file that nobody else sees."""

from __future__ import annotations

import os
import tempfile

import numpy as np

from prism.artifacts import is_disk_full
from prism.errors import DiskError

IN_MEMORY_BYTES = 4 << 30


def pixel_array(*shape: int) -> np.ndarray:
    """A new uint8 array of a shape, in memory up to ``IN_MEMORY_BYTES``.

    A larger one lies in an unnamed file of the folder for temporary files (``TMPDIR``), which the kernel removes when
    the process ends; what of it fits into free memory stays there.

    Raises:
        DiskError: that folder has no room for it.
    """
    size = int(np.prod(shape, dtype=np.int64))
    if size <= IN_MEMORY_BYTES:
        return np.empty(shape, np.uint8)
    folder = tempfile.gettempdir()
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, size)  # to fill a hole on a full disk would kill the process
            return np.memmap(file, np.uint8, mode="r+", shape=shape)
    except OSError as error:
        what = "has no room for" if is_disk_full(error) else f"cannot hold ({error.strerror or error})"
        raise DiskError(
            f"{folder}: {what} {size / 1e9:.1f} GB of decoded images; set TMPDIR to a folder that has"
        ) from error
