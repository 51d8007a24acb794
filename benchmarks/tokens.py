"""Learning class tokens for many classes together, over learning one class after another, in one run.

Both do the same steps: the same images, gradients and updates of each class, no early stop. Together, a batch holds
images of all classes; alone, each class has batches of its own, of the same size at most, as in DDIS's released code
(there, batches of one: shown beside). That they learn the same is told, not assumed: the tokens of both are compared,
entry by entry. The miniature's models serve where they are; else models of the same size with random weights.

    python benchmarks/tokens.py
    python benchmarks/tokens.py --images 10 --epochs 15 --steps 50 --device cuda
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from measuring import RESULTS, in_turns, machine, machine_columns, medians, parser, ratio, write_rows
from sampling import MODELS, ROOT, random_models
from torch import Tensor

from prism.config import TokensConfig, load_config
from prism.data.classes import load_classes
from prism.data.pseudo_words import pseudo_word
from prism.models.classifiers import build
from prism.models.diffusion import load_text_to_image
from prism.models.pseudo_words import add_pseudo_words, initial_row
from prism.models.teacher import Teacher, load_teacher
from prism.seeds import derive
from prism.tokens.drawing import Drawing, DrawingSettings
from prism.tokens.learning import Learner
from prism.tokens.state import State

TARGET = 5.0


@dataclass(frozen=True)
class Bench:
    """One set of models, and the learning that is timed on it."""

    learner: Callable[[int], Learner]
    initial: Tensor
    classes: int
    epochs: int
    device: torch.device

    def together(self, batch: int) -> Tensor:
        """Tokens (classes, width) of all classes, learned in common batches."""
        return self._learn(list(range(self.classes)), batch)

    def alone(self, batch: int) -> Tensor:
        """The same, one class after another."""
        return torch.cat([self._learn([index], batch)[index : index + 1] for index in range(self.classes)])

    def _learn(self, chosen: list[int], batch: int) -> Tensor:
        state = State.new(self.initial, self.classes, self.epochs)
        state.active[:] = False
        state.active[chosen] = True
        return self.learner(batch).run(state).rows


def main() -> None:
    options = _options()
    device, dtype = machine(options)
    with tempfile.TemporaryDirectory() as scratch:
        trained = (MODELS / "text-to-image").is_dir()
        folder = MODELS if trained else random_models(Path(scratch))
        bench = _bench(folder, trained, options, device, dtype)
        name = f"{bench.classes} together over one at a time"
        rows = [_compare(bench, name, options.batch, options.batch, options, device)]
        if options.released:
            rows.append(_compare(bench, "the same over batches of one", options.batch, 1, options, device))
    common = {"models": "miniature" if trained else "random", **machine_columns(options, device, dtype)}
    write_rows(options.output, [row | common for row in rows])
    report(rows)


def report(rows: list[dict[str, object]]) -> None:
    """Write the table to standard output."""
    lines = [f"{'comparison':<34}{'together s':>11}{'alone s':>10}{'ratio':>8}{'target':>8}{'difference':>12}"]
    for row in rows:
        lines.append(
            f"{row['comparison']:<34}{row['seconds']:>11}{row['peer_seconds']:>10}{row['ratio']:>8}"
            f"{'>= ' + str(row['target']):>8}{row['largest_difference']:>12}"
        )
    sys.stdout.write("\n".join(lines) + "\n")


def _compare(
    bench: Bench, name: str, batch: int, peer_batch: int, options: argparse.Namespace, device: torch.device
) -> dict[str, object]:
    """Medians over rounds in which both take turns, after one that warms up."""
    found = []

    def kept(tokens: Tensor) -> None:
        found.append(tokens)

    rounds = in_turns(
        [lambda: kept(bench.together(batch)), lambda: kept(bench.alone(peer_batch))], options.rounds, device
    )
    seconds, peer_seconds = medians(rounds)
    difference = max(float((ours - theirs).abs().max()) for ours, theirs in zip(found[::2], found[1::2], strict=True))
    return {
        "comparison": name,
        "seconds": f"{seconds:.3f}",
        "peer_seconds": f"{peer_seconds:.3f}",
        "ratio": f"{ratio(rounds, 1, 0):.2f}",
        "target": f"{TARGET:.1f}",
        "largest_difference": f"{difference:.1e}",
        "classes": bench.classes,
        "images": options.images,
        "epochs": options.epochs,
        "steps": options.steps,
        "batch": batch,
        "peer_batch": peer_batch,
        "rounds": options.rounds,
    }


def _bench(folder: Path, trained: bool, options: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> Bench:
    models = {"pipeline": str(folder / "text-to-image"), "tiny_decoder": str(folder / "tiny-decoder")}
    config = load_config(overrides={"diffusion": models}, root=ROOT)
    names = load_classes(ROOT / config.classes).names[: options.classes]
    model = load_text_to_image(config.diffusion, device, dtype)
    teacher = _teacher(config, trained).to(device)
    initial = initial_row(model, config.tokens.initial)
    words = add_pseudo_words(model, initial.expand(len(names), -1).clone())
    size_px = model.latent_shape[1] * model.scale_factor
    drawing = Drawing(model, DrawingSettings(options.steps, 3.0, size_px, options.decoder))
    prompts = [[f"a photo of a {pseudo_word(index)} {name}"] for index, name in enumerate(names)]
    seeds = [[derive(0, "tokens", c, j) for j in range(options.images)] for c in range(len(names))]

    def learner(batch: int) -> Learner:
        settings = TokensConfig(
            epochs=options.epochs,
            images=options.images,
            accumulate=options.images,
            stop_above=1.0,  # every class does every step
            decoder=options.decoder,
            batch=batch,
        )
        return Learner(drawing, words, teacher, prompts=prompts, seeds=seeds, settings=settings)

    return Bench(learner, initial, len(names), options.epochs, device)


def _teacher(config: object, trained: bool) -> Teacher:
    if trained:
        settings = config.teacher
        return load_teacher(settings.model_copy(update={"weights": ROOT / settings.weights}), 10)
    facts = {"architecture": "miniature-resnet", "num_classes": 10, "size_px": 32}
    return Teacher(build("miniature-resnet", 10, 32, seed=0), **facts, mean=(0.5,) * 3, std=(0.25,) * 3)


def _options() -> argparse.Namespace:
    program = parser(__doc__)
    program.add_argument("--classes", type=int, default=10, help="classes (default: %(default)s)")
    program.add_argument("--images", type=int, default=4, help="images a class and epoch (default: %(default)s)")
    program.add_argument("--epochs", type=int, default=2, help="epochs (default: %(default)s)")
    program.add_argument("--steps", type=int, default=10, help="sampling steps (default: %(default)s)")
    program.add_argument("--batch", type=int, default=40, help="images in a batch at most (default: %(default)s)")
    program.add_argument("--rounds", type=int, default=3, help="turns of each (default: %(default)s)")
    program.add_argument("--decoder", default="full", choices=("full", "tiny"), help="default: %(default)s")
    program.add_argument("--released", action="store_true", help="also over batches of one, as in the released code")
    program.add_argument("--output", type=Path, default=RESULTS / "tokens.csv", help="table (default: %(default)s)")
    return program.parse_args()


if __name__ == "__main__":
    main()
