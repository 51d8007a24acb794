"""Labels that are made but not yet in their file: parts on the disk, from which a killed job goes on."""

from __future__ import annotations

import logging
import time
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from prism.artifacts import WorkClock, atomic_path
from prism.data.soft_labels import LabelFacts, write_soft_labels

log = logging.getLogger(__name__)


class Parts:
    """Rows of labels in the order of epochs and images, in files of as many as some seconds made.

    Args:
        folder: where the files lie; it belongs to one recipe alone.
        clock: saved with each file.
        seconds: least time between two files: what a killed job loses at most, beside a batch.
    """

    def __init__(self, folder: Path, clock: WorkClock, seconds: float = 10.0) -> None:
        self.folder, self.clock, self.seconds = folder, clock, seconds
        self.files, self.rows = self._whole_files()
        self.waiting: list[dict[str, Tensor]] = []
        self.saved = time.monotonic()

    def add(self, rows: dict[str, Tensor]) -> None:
        """Take up the next rows of every tensor, and write what waits if it is time."""
        self.waiting.append(rows)
        if time.monotonic() - self.saved >= self.seconds:
            self.save()

    def save(self) -> None:
        """Write what waits."""
        if self.waiting:
            tensors = {name: torch.cat([rows[name] for rows in self.waiting]) for name in self.waiting[0]}
            path = self.folder / f"rows-{self.rows:012d}.safetensors"
            with atomic_path(path) as temporary:
                save_file(tensors, temporary)
            self.clock.save()
            self.files.append(path)
            self.rows += len(tensors["logits"])
            self.waiting = []
        self.saved = time.monotonic()

    def write(self, path: Path, facts: LabelFacts) -> None:
        """Put all rows into their file."""
        write_soft_labels(path, facts, lambda name: [partial(_tensor, file, name) for file in self.files])

    def _whole_files(self) -> tuple[list[Path], int]:
        """The files that follow on one another without a gap, and how many rows they hold."""
        files: list[Path] = []
        rows = 0
        for path in sorted(self.folder.glob("rows-*.safetensors")):
            if path.stem != f"rows-{rows:012d}":
                continue  # behind a file that was damaged and then made again, with more rows
            try:
                rows += len(_tensor(path, "logits"))
            except (OSError, SafetensorError) as error:
                log.warning("%s: cannot be used (%s); its labels are made again", path, error)
                continue
            files.append(path)
        return files, rows


def _tensor(path: Path, name: str) -> Tensor:
    with safe_open(path, "pt") as file:
        return file.get_tensor(name)
