"""Cost of an inversion's loop: seconds a step over those of the bare forward and backward passes, in one run.

The bare passes are those that the method needs: the classification loss of the teachers that have a part in the step,
and where it compares BatchNorm statistics also their distance, each by torch's own layers and hooks, back to pixels
that are there already. ``plain`` beside them is forward and backward without any statistics. What the loop adds is
the views, the other terms, Adam and the clipping; what it saves is the second pass over every activation.

    python benchmarks/inversion.py
    python benchmarks/inversion.py --method prism-dd --teachers timm:resnet18 timm:mobilenetv2_100 --size-px 224 \\
        --classes 1000 --batch 100
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional

from prism.config import InversionConfig
from prism.config.load import read_mapping
from prism.devices import machine_facts, pick_device, pick_precision, set_threads
from prism.guidance.batch_norm import batch_norm
from prism.inversion.objective import Objective
from prism.inversion.optimise import Batch, Inversion
from prism.models.classifiers import build
from prism.models.statistics import StatisticsRecorder
from prism.models.teacher import Teacher

RESULTS = Path(__file__).parent / "results" / "inversion.csv"
METHODS = Path(__file__).parents[1] / "config" / "methods.yaml"
ROUNDS = 7  # the median of the ratios counts; loop and bare passes take turns so that all meet the same machine


def main() -> None:
    options = _options()
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    set_threads(options.threads)
    for method in options.method:
        row = _measure(method, options, device, dtype)
        _append(row)
        sys.stdout.write(
            f"{method}: loop over bare passes {row['ratio']} ({row['ratio_plain']} over those without statistics), "
            f"{1e3 * float(row['loop_seconds_per_step']):.2f} ms a step\n"
        )


def _measure(method: str, options: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> dict[str, object]:
    run = _inversion(method, options, device, dtype)
    settings, labels = run.settings, run.batch.labels.to(device)
    shown = torch.randn_like(run.pixels).requires_grad_()
    cast = {"device_type": device.type, "dtype": torch.bfloat16, "enabled": dtype == torch.bfloat16}

    def passes(step: int, statistics_too: bool) -> None:
        team = run.team_of_step[step]
        loss = torch.zeros((), device=device)
        for index in dict.fromkeys((team.classifies, *(team.compared if settings.batch_norm else ()))):
            network = run.objective.teachers[index].network
            if statistics_too and settings.batch_norm:
                with StatisticsRecorder(network) as recorder, torch.autocast(**cast):
                    logits = network(shown)
                loss = loss + batch_norm(recorder.statistics, first_weight=settings.first_layer)
            else:
                with torch.autocast(**cast):
                    logits = network(shown)
            loss = loss + functional.cross_entropy(logits.float(), labels)
        torch.autograd.grad(loss, shown)

    timed = (lambda step: passes(step, False), lambda step: passes(step, True), lambda step: run.step(step, step))
    rounds = [[_seconds(one, options.steps, device) for one in timed] for _ in range(ROUNDS + 1)][1:]  # one warms up
    plain, bare, loop = (statistics.median(column) for column in zip(*rounds, strict=True))
    return {
        "method": method,
        "teachers": "+".join(options.teachers),
        "size_px": options.size_px,
        "batch": options.batch,
        "device": machine_facts(device).get("gpu") or machine_facts(device)["cpu"],
        "threads": options.threads,
        "precision": str(dtype).removeprefix("torch."),
        "plain_seconds_per_step": f"{plain:.5f}",
        "bare_seconds_per_step": f"{bare:.5f}",
        "loop_seconds_per_step": f"{loop:.5f}",
        "ratio_plain": f"{statistics.median(times[2] / times[0] for times in rounds):.3f}",
        "ratio": f"{statistics.median(times[2] / times[1] for times in rounds):.3f}",
    }


def _options() -> argparse.Namespace:
    program = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    program.add_argument("--method", nargs="+", default=["deepinversion", "sre2l", "prism-dd"], help="recipes")
    program.add_argument(
        "--teachers",
        nargs="+",
        default=["miniature-resnet", "miniature-vgg", "miniature-mobilenet"],
        help="architectures, the primary one first (default: %(default)s)",
    )
    program.add_argument("--size-px", type=int, default=32, help="side of the images (default: %(default)s)")
    program.add_argument("--classes", type=int, default=10, help="number of classes (default: %(default)s)")
    program.add_argument("--batch", type=int, default=50, help="images in a batch (default: %(default)s)")
    program.add_argument("--steps", type=int, default=10, help="steps in a round (default: %(default)s)")
    program.add_argument("--threads", type=int, default=1, help="CPU threads (default: %(default)s)")
    program.add_argument("--device", default="auto", help="auto, cpu or cuda (default: %(default)s)")
    program.add_argument("--precision", default="auto", help="auto, fp32 or bf16 (default: %(default)s)")
    return program.parse_args()


def _inversion(method: str, options: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> Inversion:
    """The method's own settings at full resolution, on random teachers."""
    given = read_mapping(METHODS)[method]["inversion"]
    settings = InversionConfig(**{**given, "coarse_iterations": 0, "iterations": max(1000, options.steps)})
    about = {"num_classes": options.classes, "size_px": options.size_px, "mean": (0.5,) * 3, "std": (0.25,) * 3}
    teachers = [
        Teacher(build(name, options.classes, options.size_px, seed=seed), architecture=name, **about)
        for seed, name in enumerate(options.teachers if settings.teachers != "primary" else options.teachers[:1])
    ]
    teachers = [teacher.to(device, memory_format=torch.channels_last) for teacher in teachers]
    batch = Batch(torch.arange(options.batch) % options.classes, range(options.batch), seed=0)
    return Inversion(Objective(settings, teachers, dtype=dtype), batch, device=device)


def _seconds(function: Callable[[int], None], steps: int, device: torch.device) -> float:
    """Seconds a step, the device's work included."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    started = time.perf_counter()
    for step in range(steps):
        function(step)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (time.perf_counter() - started) / steps


def _append(row: dict[str, object]) -> None:
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    fresh = not RESULTS.exists()
    with RESULTS.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(row), lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    main()
