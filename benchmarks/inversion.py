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
import sys
from pathlib import Path

import torch
from measuring import (
    RESULTS,
    Row,
    add_sizes,
    append_row,
    in_turns,
    machine,
    machine_columns,
    medians,
    parser,
    ratio,
    steps_of,
    untrained,
)
from torch.nn import functional

from prism.config import InversionConfig
from prism.config.load import read_mapping
from prism.guidance.batch_norm import batch_norm
from prism.inversion.objective import Objective
from prism.inversion.optimise import Batch, Inversion
from prism.models.statistics import StatisticsRecorder
from prism.models.teacher import Teacher

METHODS = Path(__file__).parents[1] / "config" / "methods.yaml"
ROUNDS = 7  # the median of the ratios counts


def main() -> None:
    options = _options()
    device, dtype = machine(options)
    for method in options.method:
        row = _measure(method, options, device, dtype)
        append_row(RESULTS / "inversion.csv", row)
        sys.stdout.write(
            f"{method}: loop over bare passes {row['ratio']} ({row['ratio_plain']} over those without statistics), "
            f"{1e3 * float(row['loop_seconds_per_step']):.2f} ms a step\n"
        )


def _measure(method: str, options: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> Row:
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

    programs = (lambda step: passes(step, False), lambda step: passes(step, True), lambda step: run.step(step, step))
    rounds = in_turns([steps_of(one, options.steps) for one in programs], ROUNDS, device)
    plain, bare, loop = medians(rounds)
    return {
        "method": method,
        "teachers": "+".join(options.teachers),
        "size_px": options.size_px,
        "batch": options.batch,
        **machine_columns(options, device, dtype),
        "plain_seconds_per_step": f"{plain:.5f}",
        "bare_seconds_per_step": f"{bare:.5f}",
        "loop_seconds_per_step": f"{loop:.5f}",
        "ratio_plain": f"{ratio(rounds, 2, 0):.3f}",
        "ratio": f"{ratio(rounds, 2, 1):.3f}",
    }


def _options() -> argparse.Namespace:
    program = parser(__doc__)
    program.add_argument("--method", nargs="+", default=["deepinversion", "sre2l", "prism-dd"], help="recipes")
    program.add_argument(
        "--teachers",
        nargs="+",
        default=["miniature-resnet", "miniature-vgg", "miniature-mobilenet"],
        help="architectures, the primary one first (default: %(default)s)",
    )
    add_sizes(program, batch=50)
    return program.parse_args()


def _inversion(method: str, options: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> Inversion:
    """The method's own settings at full resolution, on random teachers."""
    given = read_mapping(METHODS)[method]["inversion"]
    settings = InversionConfig(**{**given, "coarse_iterations": 0, "iterations": max(1000, options.steps)})
    names = options.teachers if settings.teachers != "primary" else options.teachers[:1]
    teachers = [untrained(Teacher, name, options, seed) for seed, name in enumerate(names)]
    teachers = [teacher.to(device, memory_format=torch.channels_last) for teacher in teachers]
    batch = Batch(torch.arange(options.batch) % options.classes, range(options.batch), seed=0)
    return Inversion(Objective(settings, teachers, dtype=dtype), batch, device=device)


if __name__ == "__main__":
    main()
