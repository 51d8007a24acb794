"""Cost of the training loop: seconds a step over those of the bare arithmetic, in one run.

The bare arithmetic is the teacher's forward pass and the student's forward and backward pass on a batch that
is there already. What the loop adds is the order, the gathering of images, augmentation, the loss and the
optimizer.

    python benchmarks/training.py
    python benchmarks/training.py --teacher timm:resnet34 --student timm:resnet18 --size-px 224 --classes 1000
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

from prism.devices import machine_facts, pick_device, pick_precision, set_threads
from prism.distillation.augment import Augmentation
from prism.distillation.schedule import epoch_order
from prism.distillation.trainer import Labelled, Recipe, Trainer
from prism.models.checkpoints import Classifier
from prism.models.classifiers import build
from prism.models.scoring import as_float
from prism.models.teacher import Teacher

RESULTS = Path(__file__).parent / "results" / "training.csv"
ROUNDS = 7  # the median of the ratios counts; loop and arithmetic take turns so that both meet the same machine


def main() -> None:
    options = _options()
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    set_threads(options.threads)
    trainer = _trainer(options, device, dtype)
    order = epoch_order(0, 0, len(trainer.train_labels)).to(device)
    images = as_float(trainer.train_images[order[: options.batch]])

    def loop(step: int) -> None:
        trainer.step(0, step % trainer.steps_per_epoch, order[: options.batch])

    def arithmetic(step: int) -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
            with torch.no_grad():
                trainer.teacher(images)
            logits = trainer.student(images)
        trainer.optimizer.zero_grad(set_to_none=True)
        logits.float().square().mean().backward()

    rounds = [
        (_seconds(arithmetic, options.steps, device), _seconds(loop, options.steps, device)) for _ in range(ROUNDS + 1)
    ][1:]  # the first warms up
    bare = statistics.median(pair[0] for pair in rounds)
    whole = statistics.median(pair[1] for pair in rounds)
    ratio = statistics.median(pair[1] / pair[0] for pair in rounds)
    row = {
        "teacher": options.teacher,
        "student": options.student,
        "size_px": options.size_px,
        "batch": options.batch,
        "augmentation": "none" if options.plain else "crop+flip",
        "device": machine_facts(device).get("gpu") or machine_facts(device)["cpu"],
        "threads": options.threads,
        "precision": str(dtype).removeprefix("torch."),
        "arithmetic_seconds_per_step": f"{bare:.5f}",
        "loop_seconds_per_step": f"{whole:.5f}",
        "images_per_second": f"{options.batch / whole:.0f}",
        "ratio": f"{ratio:.3f}",
    }
    _append(row)
    sys.stdout.write(f"loop over arithmetic: {ratio:.3f} ({whole * 1e3:.2f} ms over {bare * 1e3:.2f} ms a step)\n")


def _options() -> argparse.Namespace:
    program = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    program.add_argument("--teacher", default="miniature-resnet", help="architecture (default: %(default)s)")
    program.add_argument("--student", default="miniature-student", help="architecture (default: %(default)s)")
    program.add_argument("--size-px", type=int, default=32, help="side of the images (default: %(default)s)")
    program.add_argument("--classes", type=int, default=10, help="number of classes (default: %(default)s)")
    program.add_argument("--batch", type=int, default=64, help="images in a step (default: %(default)s)")
    program.add_argument("--steps", type=int, default=10, help="steps in a round (default: %(default)s)")
    program.add_argument("--threads", type=int, default=1, help="CPU threads (default: %(default)s)")
    program.add_argument("--device", default="auto", help="auto, cpu or cuda (default: %(default)s)")
    program.add_argument("--precision", default="auto", help="auto, fp32 or bf16 (default: %(default)s)")
    program.add_argument("--plain", action="store_true", help="no augmentation: the teacher's logits come from memory")
    return program.parse_args()


def _trainer(options: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> Trainer:
    about = {
        "num_classes": options.classes,
        "size_px": options.size_px,
        "mean": (0.5, 0.5, 0.5),
        "std": (0.25, 0.25, 0.25),
    }
    student = Classifier(
        build(options.student, options.classes, options.size_px, seed=0),
        architecture=options.student,
        **about,
    )
    teacher = Teacher(
        build(options.teacher, options.classes, options.size_px, seed=1),
        architecture=options.teacher,
        **about,
    )
    shape = (4 * options.batch, options.size_px, options.size_px, 3)
    drawn = Labelled(torch.randint(0, 256, shape, dtype=torch.uint8), torch.randint(0, options.classes, (shape[0],)))
    changes = Augmentation() if options.plain else Augmentation(crop_padding_px=options.size_px // 8, flip=True)
    recipe = Recipe(epochs=100, batch=options.batch, learning_rate=1e-3, augmentation=changes)
    trainer = Trainer(student, teacher, drawn, drawn, recipe, seed=0, device=device, dtype=dtype)
    trainer.student.train()
    return trainer


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
