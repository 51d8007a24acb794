"""Locks that the kernel frees when their last holder has ended, however it ended."""

from __future__ import annotations

import os
from pathlib import Path


def open_lock(path: Path) -> int:
    """A descriptor of a lock file, made if it is not there; children do not inherit it."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def try_lock(descriptor: int) -> bool:
    """Take the lock if nobody holds it; it is freed when all copies of the descriptor are closed."""
    import fcntl  # absent on Windows

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
