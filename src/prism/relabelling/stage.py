"""The stage ``relabelling``: a method's images in, one file of soft labels out, resumed where it was killed."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from prism.artifacts import Manifest, WorkClock, hash_of, progress_dir, sha256_file, write_manifest
from prism.config import Config, RelabelConfig
from prism.data.classes import load_classes
from prism.data.method_images import method_images
from prism.data.placed import Placed
from prism.data.soft_labels import LabelFacts, pixels_hash
from prism.data.views import Drawing, Views, at_view_size, draw_views, render
from prism.devices import arithmetic, pick_device, pick_precision, reset_peak_memory, run_facts
from prism.errors import ConfigError, ModelError
from prism.memory import Pieces
from prism.models.teacher import Teacher, load_teacher
from prism.progress import ProgressBar
from prism.relabelling import REVISION
from prism.relabelling.ensemble import ensemble
from prism.relabelling.progress import Parts

log = logging.getLogger(__name__)


def relabel(config: Config, method: str, shards: Sequence[Path], output: Path) -> Manifest:
    """Write the soft labels of ``method``'s images to ``output`` (.safetensors) and their manifest beside it.

    FKD (Shen and Xing 2022), as SRe2L uses it: in each epoch every image gives one view, whose logits are stored with
    what makes the view again (:mod:`prism.data.views`). Finished labels lie in the progress folder until all are there,
    so that a killed job loses some seconds; they are used again only for the same recipe.

    Args:
        config: the configuration; ``methods.<method>.relabel`` says what is drawn and which teachers answer.
        method: a name of ``config.methods``.
        shards: the method's shards, in the order in which the student gets them.
        output: the file.

    Raises:
        ConfigError: the method has no key ``relabel``. DataError: shards are missing or broken, or their labels are not
        in the class list. ModelError: a teacher cannot be loaded, or an answer is no number in 16 bits.
    """
    started, output = time.monotonic(), Path(output)
    settings = config.methods[method].relabel
    if settings is None:
        raise ConfigError(f"config: methods.{method}.relabel: missing; say which views get labels, or {{}} for SRe2L's")
    device = pick_device(config.device)
    reset_peak_memory()
    dtype = pick_precision(config.precision, device)
    torch.set_num_threads(config.threads("relabelling"))
    classes = load_classes(config.classes)
    chosen = config.label_teachers(method)
    teachers = [load_teacher(teacher, len(classes)).to(device) for teacher in chosen]
    size_px = config.teacher.size_px
    fit = partial(at_view_size, size_px=size_px)
    images = method_images(config, method, shards, classes, real_px=size_px, fit=fit)
    facts = LabelFacts(
        epochs=config.label_epochs(method),
        images=len(images),
        classes=len(classes),
        source_px=images.images.shape[1],
        size_px=size_px,
        pixels=pixels_hash(images),
    )
    identity = {
        "stage": "relabelling",
        "recipe": config.recipe("relabelling", method=method),
        "revision": REVISION,
        "inputs": {Path(shard).name: sha256_file(shard) for shard in shards},
        "models": {_teacher_name(place): sha256_file(teacher.weights) for place, teacher in enumerate(chosen)},
    }
    unfinished = {"batch": settings.batch, "arithmetic": arithmetic(device, dtype)}
    work = progress_dir(output) / hash_of({**identity, **unfinished})
    clock = WorkClock(work / "seconds", started)
    parts = Parts(work, clock)
    ask = Labeller(teachers, Placed(torch.from_numpy(images.images), device), facts.size_px, dtype)
    drawing = drawing_of(settings, size_px)
    _make(parts, ask, drawing, images.keys, facts, config.seed, settings.batch, title=method)
    parts.write(output, facts)
    views = facts.epochs * facts.images
    manifest = write_manifest(
        output.with_suffix(".json"),
        **identity,
        outputs=[output],
        count=len(images),
        details={
            "method": method,
            "epochs": facts.epochs,
            "teachers": len(teachers),
            "label_bytes": output.stat().st_size,
            "logit_bytes": facts.bytes("logits"),
            "image_bytes": sum(Path(shard).stat().st_size for shard in shards),
        },
        run={**run_facts(clock.seconds, views, device, dtype), **ask.pieces.facts()},
    )
    shutil.rmtree(progress_dir(output), ignore_errors=True)
    log.info("%s: %d soft labels of %d teachers, %d bytes", method, views, len(teachers), output.stat().st_size)
    return manifest


def drawing_of(settings: RelabelConfig, size_px: int) -> Drawing:
    """What is drawn for a view, as the configuration says it."""
    return Drawing(settings.crop_scale, settings.flip, settings.cutmix, size_px)


class Labeller:
    """Teachers and the images that they are asked about.

    Args:
        teachers: one or several, of the same classes.
        images: uint8 (n, height, width, 3), square, for the teachers' device.
        size_px: side of a view.
        dtype: torch.bfloat16 for autocast, torch.float32 for none.
    """

    def __init__(self, teachers: Sequence[Teacher], images: Placed, size_px: int, dtype: torch.dtype) -> None:
        self.teachers, self.images, self.size_px, self.dtype = teachers, images, size_px, dtype
        self.pieces = Pieces()

    @torch.no_grad()
    def __call__(self, views: Views, indices: Tensor) -> Tensor:
        """Logits float16 (batch, classes), on the CPU, of the views of the images ``indices`` (batch,)."""
        return torch.cat(self.pieces.run(lambda rows: self._ask(views, indices[rows]), len(indices)))

    def _ask(self, views: Views, indices: Tensor) -> Tensor:
        device = self.images.device
        pixels = render(self.images, views, indices.to(device), self.size_px)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            answers = [teacher(pixels) for teacher in self.teachers]
        logits = ensemble(torch.stack(answers).float()).half().cpu()
        if not bool(torch.isfinite(logits).all()):
            raise ModelError("relabelling: a teacher's logit is no number, or too large for 16 bits; check its weights")
        return logits


def _make(
    parts: Parts,
    ask: Labeller,
    drawing: Drawing,
    keys: Sequence[str],
    facts: LabelFacts,
    seed: int,
    batch: int,
    *,
    title: str,
) -> None:
    """Fill ``parts`` up to the last view; batches start anew with each epoch, wherever the job went on."""
    total, done = facts.epochs * facts.images, parts.rows
    with ProgressBar(total=total, initial=done, desc=f"{title} labels", unit="view", mininterval=1) as bar:
        for epoch in range(done // facts.images, facts.epochs):
            views = draw_views(drawing, keys, source_px=facts.source_px, seed=seed, epoch=epoch)
            there = views.to(ask.images.device)
            for start in range(0, facts.images, batch):
                if epoch * facts.images + start < done:
                    continue
                indices = torch.arange(start, min(start + batch, facts.images))
                rows = {name: tensor[indices] for name, tensor in views.tensors().items()}
                parts.add({"logits": ask(there, indices), **rows})
                bar.update(len(indices))
        parts.save()


def _teacher_name(place: int) -> str:
    return "teacher" if place == 0 else f"teacher-{place}"
