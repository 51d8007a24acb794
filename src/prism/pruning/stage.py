"""The stage ``pruning``: the teacher at one sparsity, fine-tuned on a method's images, scored after the last epoch."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from prism.artifacts import progress_dir, sha256_file, write_json, write_manifest
from prism.config import Config
from prism.data.classes import ClassList, load_classes
from prism.data.method_images import method_images, reference_images
from prism.data.sources import resized
from prism.devices import pick_device, pick_precision, reset_peak_memory, run_facts
from prism.errors import ConfigError
from prism.models.checkpoints import Classifier, save_model
from prism.models.scoring import accuracy, agreement, predict
from prism.models.students import description
from prism.models.teacher import load_teacher
from prism.models.training.loop import RunOptions
from prism.pruning import REVISION
from prism.pruning.finetune import FineTuning
from prism.pruning.masks import make_permanent, prune_network, removed_weights
from prism.seeds import derive

log = logging.getLogger(__name__)

_LOSS_DIGITS = 6


def prune(config: Config, method: str, sparsity: float, seed: int, shards: Sequence[Path], output_dir: Path) -> None:
    """Prune the teacher and heal it: ``pruned.safetensors``, ``metrics.json`` and, last, ``manifest.json``.

    A killed run goes on from its checkpoint in the progress folder.

    Args:
        config: the configuration, with a section ``pruning``.
        method: a name of ``config.methods``; engine ``real`` takes real training images as the upper bound.
        sparsity: share removed from each layer, in (0, 1).
        seed: seed of the fine-tuning; what is pruned depends on the teacher alone.
        shards: the method's shards; none for engine ``real``.
        output_dir: the folder of the outputs.

    Raises:
        ConfigError: there is no section ``pruning``.
        ModelError: the teacher cannot be loaded, or the loss is no longer a number.
        DataError: shards or images are missing or broken.
    """
    started, output_dir, settings = time.monotonic(), Path(output_dir), config.pruning
    if settings is None:
        raise ConfigError("config: pruning: not set, so there is nothing to prune; give it a section, as {epochs: 20}")
    device = pick_device(config.device)
    dtype = pick_precision(config.precision, device)
    torch.set_num_threads(config.threads("pruning"))
    reset_peak_memory()
    classes = load_classes(config.classes)
    teacher = load_teacher(config.teacher, len(classes)).to(device)
    size_px = config.teacher.size_px
    fit = partial(resized, size_px=size_px)
    images = method_images(config, method, shards, classes, real_px=size_px, fit=fit)
    test = reference_images(config, classes, size_px=size_px)
    pruned = masked_copy(config, sparsity, classes)
    removed, weights = removed_weights(pruned.network)
    score = {"batch": settings.batch, "device": device}
    before = predict(pruned.to(device), test.images, **score)
    progress = progress_dir(output_dir)
    tuning = FineTuning(
        pruned,
        teacher,
        torch.from_numpy(images.images),
        settings,
        RunOptions(derive(config.seed, "pruning", seed), device, dtype, progress / "checkpoint.pt"),
    )
    history = tuning.run()
    make_permanent(pruned.network)
    answers, right = predict(pruned, test.images, **score), predict(teacher, test.images, **score)
    facts = {
        "method": method,
        "seed": seed,
        "sparsity": sparsity,
        "kind": settings.kind,
        "data_free": config.methods[method].data_free,
    }
    outputs = [output_dir / name for name in ("pruned.safetensors", "metrics.json")]
    save_model(outputs[0], pruned, {**pruned.metadata, **facts})
    metrics = {
        "accuracy": accuracy(answers, test.labels),
        "untuned_accuracy": accuracy(before, test.labels),
        "teacher_accuracy": accuracy(right, test.labels),
        "agreement": agreement(answers, right),
        "n_train": len(images),
        "n_test": len(test),
        "weights": weights,
        "weights_removed": removed,
        "losses": [round(line["loss"], _LOSS_DIGITS) for line in history],
    }
    write_json(outputs[1], {**facts, **metrics, "upper_bound": not shards})
    write_manifest(
        output_dir / "manifest.json",
        stage="pruning",
        recipe={**config.recipe("pruning", method=method), "sparsity": sparsity, "pruning_seed": seed},
        revision=REVISION,
        inputs={Path(shard).name: sha256_file(shard) for shard in shards},
        models={"teacher": sha256_file(config.teacher.weights)},
        outputs=outputs,
        count=len(images),
        details=facts,
        run=run_facts(
            tuning.earlier_seconds + time.monotonic() - started, len(images) * settings.epochs, device, dtype
        ),
    )
    shutil.rmtree(progress, ignore_errors=True)
    log.info("%s at %g, seed %d: accuracy %.4f", method, sparsity, seed, metrics["accuracy"])


def masked_copy(config: Config, sparsity: float, classes: ClassList) -> Classifier:
    """The teacher once more, masked at ``sparsity`` and free to learn, on the CPU."""
    settings, kind = config.teacher, config.pruning.kind if config.pruning else "structured"
    network = load_teacher(settings, len(classes)).network.requires_grad_(True)
    about = description(settings, settings.architecture, classes)
    prune_network(network, sparsity, torch.zeros(1, 3, settings.size_px, settings.size_px), kind=kind)
    return Classifier(network, **about, metadata=about)
