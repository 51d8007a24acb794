"""The stage ``tokens``: a strategy's prompts in, one learned pseudo-word for each class out."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from typing import Any

from prism.artifacts import Manifest, WorkClock, hash_of, progress_dir, sha256_file, write_manifest
from prism.config import Config
from prism.data.classes import load_classes
from prism.data.prompts import read_prompts
from prism.data.pseudo_words import check_prompts
from prism.devices import arithmetic, pick_device, pick_precision, reset_peak_memory, run_facts
from prism.errors import ConfigError
from prism.models.diffusion import load_text_to_image
from prism.models.hashes import hash_weights
from prism.models.pseudo_words import add_pseudo_words, initial_row, write_pseudo_words
from prism.models.teacher import load_teacher
from prism.progress import ProgressBar
from prism.seeds import derive
from prism.tokens import REVISION
from prism.tokens.drawing import Drawing, DrawingSettings
from prism.tokens.learning import EPOCH, Learner, best_epochs
from prism.tokens.state import State

log = logging.getLogger(__name__)

SAVE_EVERY_SECONDS = 20.0


def learn_tokens(
    config: Config, strategy: str, prompts: Path, output: Path, *, save_every_seconds: float = SAVE_EVERY_SECONDS
) -> Manifest:
    """Learn the token of every class, write them to ``output`` (``.safetensors``) and the manifest beside it.

    Args:
        config: the resolved configuration.
        strategy: a name of ``config.strategies``, one with ``token``.
        prompts: its prompt file; the images of an epoch take a class's first prompts in turn.
        output: the tokens. A run that was killed goes on after its last finished batch, or some seconds before it.
        save_every_seconds: how often it is saved where it stands; results do not depend on it.

    Raises:
        PrismError: an input is missing, damaged or does not fit; the message is one line.
    """
    started, output = time.monotonic(), Path(output)
    if not config.strategies[strategy].token:
        raise ConfigError(f"config: strategies.{strategy}.token: false, so there is no token to learn; set it to true")
    classes, settings = load_classes(config.classes), config.tokens
    records = read_prompts(prompts, classes, min(settings.images, config.synthesis.images_per_class))
    lines = [[record.prompt for record in of_class] for of_class in records]
    check_prompts(((c, line) for c, of_class in enumerate(lines) for line in of_class), learned=True, path=prompts)
    device = pick_device(config.device)
    reset_peak_memory()
    dtype = pick_precision(config.precision, device)
    model = load_text_to_image(config.diffusion, device, dtype)
    teacher = load_teacher(config.teacher, len(classes)).to(device)
    identity = {
        "stage": "tokens",
        "recipe": config.recipe("tokens", strategy=strategy),
        "revision": REVISION,
        "inputs": {"prompts": sha256_file(prompts), "classes": sha256_file(config.classes)},
        "models": _model_hashes(config),
    }
    initial = initial_row(model, settings.initial)
    state = State.new(initial, len(classes), settings.epochs)
    words = add_pseudo_words(model, state.rows)
    learner = Learner(
        Drawing(model, drawing_settings(config)),
        words,
        teacher,
        prompts=lines,
        seeds=[[derive(config.seed, "tokens", c, j) for j in range(settings.images)] for c in range(len(classes))],
        settings=settings,
    )
    work = hash_of({**identity, "batch": settings.batch, "arithmetic": arithmetic(device, dtype)})
    saved = progress_dir(output) / f"{work}.safetensors"
    clock = WorkClock(saved.with_suffix(".seconds"), started)
    state = state.restored(saved)
    with _Progress(strategy, state, settings.epochs, saved, save_every_seconds, clock) as progress:
        learner.run(state, progress.after_batch)
    write_pseudo_words(output, initial, state.best)
    manifest = write_manifest(
        output.with_suffix(".json"),
        **identity,
        outputs=[output],
        count=len(classes),
        details={"strategy": strategy, "classes": facts(state, settings.images)},
        run={
            **run_facts(clock.seconds, int(state.epochs.sum()) * settings.images, device, dtype),
            **learner.pieces.facts(),
        },
    )
    shutil.rmtree(progress_dir(output), ignore_errors=True)
    return manifest


def drawing_settings(config: Config) -> DrawingSettings:
    """The sampling of the configuration, with the decoder that tokens are learned through."""
    diffusion = config.diffusion
    return DrawingSettings(diffusion.steps, diffusion.guidance_scale, diffusion.size_px, config.tokens.decoder)


def facts(state: State, images: int) -> list[dict[str, Any]]:
    """Of each class: epochs used, the teacher's agreement and the loss of the kept embedding and of the first."""
    found = []
    for c, best in enumerate(best_epochs(state).tolist()):
        hits, losses = state.hits[:, c].tolist(), state.losses[:, c].tolist()
        found.append(
            {
                "class_index": c,
                "epochs": int(state.epochs[c]),
                "finished": not bool(state.active[c]),
                "agreement": round(hits[best] / images, 5),
                "loss": round(losses[best] / images, 5),
                "first_agreement": round(hits[0] / images, 5),
                "first_loss": round(losses[0] / images, 5),
            }
        )
    return found


class _Progress:
    """The bar, and the saving of the state from time to time."""

    def __init__(
        self, strategy: str, state: State, epochs: int, path: Path, every_seconds: float, clock: WorkClock
    ) -> None:
        self._path, self._every_seconds, self._clock, self._saved = path, every_seconds, clock, time.monotonic()
        title = f"tokens {strategy}"
        self._bar = ProgressBar(total=epochs, initial=int(state.clock[EPOCH]), desc=title, unit="epoch", mininterval=1)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def after_batch(self, state: State) -> None:
        self._bar.n = int(state.clock[EPOCH])
        self._bar.set_postfix(learning=int(state.active.sum()), refresh=False)
        self._bar.update(0)
        if time.monotonic() - self._saved >= self._every_seconds:
            state.save(self._path)
            self._clock.save()
            self._saved = time.monotonic()


def _model_hashes(config: Config) -> dict[str, str]:
    hashes = {"teacher": hash_weights(Path(config.teacher.weights))}
    if Path(config.diffusion.pipeline).is_dir():
        hashes["pipeline"] = hash_weights(Path(config.diffusion.pipeline))
    if config.tokens.decoder == "tiny" and config.diffusion.tiny_decoder is not None:
        hashes["tiny_decoder"] = hash_weights(config.diffusion.tiny_decoder)
    return hashes
