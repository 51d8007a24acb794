"""Cost of the training loop: seconds a step over those of the bare arithmetic, in one run.

The bare arithmetic is the teacher's forward pass and the student's forward and backward pass on a batch that
is there already. What the loop adds is the order, the gathering of images, augmentation, the loss and the
optimizer.

    python benchmarks/training.py
    python benchmarks/training.py --teacher timm:resnet34 --student timm:resnet18 --size-px 224 --classes 1000
"""

from __future__ import annotations

import argparse
import sys

import torch
from measuring import (
    RESULTS,
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

from prism.distillation.trainer import Labelled, Recipe, Trainer
from prism.models.checkpoints import Classifier
from prism.models.scoring import as_float
from prism.models.teacher import Teacher
from prism.models.training.augment import Augmentation
from prism.models.training.loop import RunOptions
from prism.models.training.schedule import epoch_order

ROUNDS = 7  # the median of the ratios counts


def main() -> None:
    options = _options()
    device, dtype = machine(options)
    trainer = _trainer(options, RunOptions(0, device, dtype))
    order = epoch_order(0, 0, len(trainer.images)).to(device)
    images = as_float(trainer.images[order[: options.batch]])

    def loop(step: int) -> None:
        trainer.step(0, step % trainer.steps_per_epoch, order[: options.batch])

    def arithmetic(step: int) -> None:
        with trainer.autocast():
            if not options.plain:  # else the loop has the teacher's answers in memory
                with torch.no_grad():
                    trainer.teacher(images)
            logits = trainer.student(images)
        trainer.optimizer.zero_grad(set_to_none=True)
        logits.float().square().mean().backward()

    rounds = in_turns([steps_of(one, options.steps) for one in (arithmetic, loop)], ROUNDS, device)
    bare, whole = medians(rounds)
    over = ratio(rounds, 1, 0)
    row = {
        "teacher": options.teacher,
        "student": options.student,
        "size_px": options.size_px,
        "batch": options.batch,
        "augmentation": "none" if options.plain else "crop+flip",
        **machine_columns(options, device, dtype),
        "arithmetic_seconds_per_step": f"{bare:.5f}",
        "loop_seconds_per_step": f"{whole:.5f}",
        "images_per_second": f"{options.batch / whole:.0f}",
        "ratio": f"{over:.3f}",
    }
    append_row(RESULTS / "training.csv", row)
    sys.stdout.write(f"loop over arithmetic: {over:.3f} ({whole * 1e3:.2f} ms over {bare * 1e3:.2f} ms a step)\n")


def _options() -> argparse.Namespace:
    program = parser(__doc__)
    program.add_argument("--teacher", default="miniature-resnet", help="architecture (default: %(default)s)")
    program.add_argument("--student", default="miniature-student", help="architecture (default: %(default)s)")
    add_sizes(program, batch=64)
    program.add_argument("--plain", action="store_true", help="no augmentation: the teacher's logits come from memory")
    return program.parse_args()


def _trainer(options: argparse.Namespace, where: RunOptions) -> Trainer:
    student = untrained(Classifier, options.student, options, seed=0)
    teacher = untrained(Teacher, options.teacher, options, seed=1)
    shape = (4 * options.batch, options.size_px, options.size_px, 3)
    drawn = Labelled(torch.randint(0, 256, shape, dtype=torch.uint8), torch.randint(0, options.classes, (shape[0],)))
    changes = Augmentation() if options.plain else Augmentation(crop_padding_px=options.size_px // 8, flip=True)
    recipe = Recipe(epochs=100, batch=options.batch, learning_rate=1e-3, augmentation=changes)
    trainer = Trainer(student, teacher, drawn, drawn, recipe, where)
    trainer.student.train()
    return trainer


if __name__ == "__main__":
    main()
