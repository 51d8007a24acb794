"""Batches that do not fit into the memory: worked on in pieces where that gives the same, else one clear line."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from prism.errors import ModelError

log = logging.getLogger(__name__)

Part = TypeVar("Part")
_WORDS = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says, by its type or (as native libraries do) in words, that memory ran out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)


class Pieces:
    """Runs a function over the rows of a batch: all at once, or in pieces half as large whenever memory runs out.

    A size that fitted is kept for all later batches. Only for functions in which no row depends on another.

    Attributes:
        rows: most rows at once; None as long as memory never ran out.
    """

    def __init__(self) -> None:
        self.rows: int | None = None

    def run(self, function: Callable[[slice], Part], count: int, *, most: int | None = None) -> list[Part]:
        """What ``function`` gives for each of the slices that make up ``count`` rows, in their order.

        Args:
            function: takes a slice of rows.
            count: all rows.
            most: rows at once, if not all; fewer where memory ran out.

        Raises:
            ModelError: even one row does not fit.
        """
        found: list[Part] = []
        start = 0
        while start < count:
            size = min(count - start, most or count, self.rows or count)
            try:
                found.append(function(slice(start, start + size)))
                start += size
                continue
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if size == 1:
                    raise ModelError(f"not even one image fits into the memory ({_first_line(error)})") from None
            # Out of the handler: there the traceback would still hold the tensors that filled the memory.
            self.rows = -(-size // 2)
            log.warning("out of memory with %d images at once: %d from now on, results stay the same", size, self.rows)
            _release()
        return found

    def facts(self) -> dict[str, int]:
        """For the section ``run`` of a manifest: ``rows_at_once``, if memory ever ran out."""
        return {} if self.rows is None else {"rows_at_once": self.rows}


@contextmanager
def as_a_whole(key: str, value: int) -> Iterator[None]:
    """A block whose batches are not cut: mostly as their images depend on each other.

    Args:
        key: of the configuration, that says how many images a batch has.
        value: what it says.

    Raises:
        ModelError: memory ran out; the message says what to change.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise ModelError(
            f"{key}: batches of {value} images do not fit into the memory, and here they are not cut; "
            f"use smaller ones, such as {max(1, value // 2)} ({_first_line(error)})"
        ) from None


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


def _release() -> None:
    """Give back what the allocator of a device keeps for later."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
