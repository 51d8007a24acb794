"""The progress bar of a job, which tells how far it is as events too."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from tqdm import tqdm

from prism.events import tell

_TELL_SECONDS = 10.0


class ProgressBar(tqdm):
    """tqdm's bar, with its rate and the time that is left; a bar that is not shown (``disable``) tells events too."""

    def __init__(self, iterable: Iterable | None = None, desc: str = "", **options: Any) -> None:
        self._what, self._unit = desc, options.get("unit", "it")
        self._first = self._done = options.get("initial", 0)
        self._started = self._told = time.monotonic()
        super().__init__(iterable, desc, **options)

    def update(self, n: float | None = 1) -> bool | None:
        shown = super().update(n)
        self._done = self._done + (n or 0) if self.disable else self.n  # hidden, tqdm does not count
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            self._tell(now - self._started)
        return shown

    def skip(self, n: float) -> None:
        """Count ``n`` that an earlier process has done: they are no part of the rate."""
        self._first += n
        if not self.disable:  # hidden, tqdm has none
            self.initial += n
        self.update(n)

    def __iter__(self) -> Iterator:
        if not self.disable:
            yield from super().__iter__()
            return
        for item in self.iterable:  # a bar that is not shown does not count for itself
            yield item
            self.update()

    def _tell(self, elapsed: float) -> None:
        rate = (self._done - self._first) / elapsed
        left = (self.total - self._done) / rate if self.total and rate > 0 else None
        tell(
            "progress",
            what=self._what,
            done=self._done,
            total=self.total,
            unit=self._unit,
            per_second=round(rate, 3),
            seconds_left=None if left is None else round(left, 1),
        )
