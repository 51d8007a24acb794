"""What the benchmarks share: programs that take turns on one machine, the machine's options and facts, and tables."""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import torch

from prism.devices import machine_facts, pick_device, pick_precision, set_threads
from prism.models.checkpoints import Classifier
from prism.models.classifiers import build

RESULTS = Path(__file__).parent / "results"

Kind = TypeVar("Kind", bound=Classifier)
Row = dict[str, object]


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser that shows the benchmark's description as it is written, with the options of the machine."""
    program = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    program.add_argument("--threads", type=int, default=1, help="CPU threads (default: %(default)s)")
    program.add_argument("--device", default="auto", help="auto, cpu or cuda (default: %(default)s)")
    program.add_argument("--precision", default="auto", help="auto, fp32 or bf16 (default: %(default)s)")
    return program


def add_sizes(program: argparse.ArgumentParser, *, batch: int) -> None:
    """Options of the size of a step, for loops over steps."""
    program.add_argument("--size-px", type=int, default=32, help="side of the images (default: %(default)s)")
    program.add_argument("--classes", type=int, default=10, help="number of classes (default: %(default)s)")
    program.add_argument("--batch", type=int, default=batch, help="images in a step (default: %(default)s)")
    program.add_argument("--steps", type=int, default=10, help="steps in a round (default: %(default)s)")


def machine(options: argparse.Namespace) -> tuple[torch.device, torch.dtype]:
    """The device and data type that the options ask for; sets the number of threads."""
    device = pick_device(options.device)
    set_threads(options.threads)
    return device, pick_precision(options.precision, device)


def machine_columns(options: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> Row:
    """What a table says of the machine."""
    facts = machine_facts(device)
    return {
        "device": facts.get("gpu") or facts["cpu"],
        "threads": options.threads,
        "precision": str(dtype).removeprefix("torch."),
    }


def untrained(kind: type[Kind], architecture: str, options: argparse.Namespace, seed: int) -> Kind:
    """A classifier with random weights, of the sizes that :func:`add_sizes` asks for."""
    about = {"num_classes": options.classes, "size_px": options.size_px, "mean": (0.5,) * 3, "std": (0.25,) * 3}
    network = build(architecture, options.classes, options.size_px, seed=seed)
    return kind(network, architecture=architecture, **about)


def in_turns(programs: Sequence[Callable[[], object]], rounds: int, device: torch.device) -> list[tuple[float, ...]]:
    """Seconds of each program by round. They take turns, so that all meet the same machine; a round before the first
    warms them up.
    """
    return [tuple(_seconds(program, device) for program in programs) for _ in range(rounds + 1)][1:]


def steps_of(step: Callable[[int], object], steps: int) -> Callable[[], None]:
    """A program of ``steps`` steps."""

    def program() -> None:
        for number in range(steps):
            step(number)

    return program


def medians(rounds: Sequence[Sequence[float]]) -> list[float]:
    """The median of each program over the rounds."""
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def ratio(rounds: Sequence[Sequence[float]], program: int, peer: int) -> float:
    """The median over the rounds of a program's seconds over its peer's, both by their place."""
    return statistics.median(seconds[program] / seconds[peer] for seconds in rounds)


def append_row(path: Path, row: Row) -> None:
    """Put a row under those of earlier runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(row), lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write a table anew."""
    path.unlink(missing_ok=True)
    for row in rows:
        append_row(path, row)


def _seconds(program: Callable[[], object], device: torch.device) -> float:
    """Of one call, the device's work included."""
    _wait_for(device)
    started = time.perf_counter()
    program()
    _wait_for(device)
    return time.perf_counter() - started


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
