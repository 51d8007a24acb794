"""Where the unfinished work of a stage lies until its output is whole."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from prism.artifacts.files import write_text

RESULTS_FOLDER = "results"
PROGRESS_FOLDER = ".progress"


def progress_dir(output: Path) -> Path:
    """The folder for the unfinished work on ``output``: ``<results>/.progress/<output relative to results>``.

    It lies outside the declared outputs, which Snakemake deletes before it runs a rule again. Where
    ``output`` is in no folder called ``results``, it is ``.progress/<name>`` beside it. The folder is not
    created here.
    """
    output = Path(output)
    for folder in output.parents:
        if folder.name == RESULTS_FOLDER:
            return folder / PROGRESS_FOLDER / output.relative_to(folder)
    return output.parent / PROGRESS_FOLDER / output.name


class WorkClock:
    """Seconds of work on an output, over all the processes that were at it: speeds are told of the whole.

    Args:
        path: where :meth:`save` leaves them, in the folder of the unfinished work.
        started: of this process, on the clock ``time.monotonic``.
    """

    def __init__(self, path: Path, started: float) -> None:
        self._path, self._started, self._before = Path(path), started, 0.0
        with suppress(OSError, ValueError):
            self._before = max(0.0, float(self._path.read_text(encoding="utf-8")))

    @property
    def seconds(self) -> float:
        """So far."""
        return self._before + time.monotonic() - self._started

    def save(self) -> None:
        """Leave them for the next process, should this one be killed."""
        write_text(self._path, f"{self.seconds:.3f}\n")
