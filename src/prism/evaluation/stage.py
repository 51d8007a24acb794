"""The stage ``evaluation``: one method's images against real ones, one pass, one JSON file."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from prism.artifacts import hash_of, progress_dir, sha256_file, write_json
from prism.config import Config
from prism.data.classes import ClassList, load_classes
from prism.data.images import EvaluationData, ImageSet
from prism.data.shards import ShardSet, read_shards
from prism.data.sources import load_source, split_seed
from prism.devices import pick_device, reset_peak_memory, run_facts, set_threads
from prism.errors import DataError, ModelError
from prism.evaluation import REVISION
from prism.evaluation.measures import classify, measure, measure_cached
from prism.evaluation.protocol import Protocol, image_metrics, oracle_metrics
from prism.evaluation.truth import HEADS, split_heads
from prism.models.checkpoints import load_classifier
from prism.models.features import load_extractor
from prism.models.teacher import load_teacher

log = logging.getLogger(__name__)

_DIGITS = 8  # of every value: beyond them it depends on the number of threads


def evaluate(config: Config, method: str, shards: Sequence[Path], output: Path) -> None:
    """Measure a method's images and write ``output``, its own manifest: what no hash covers is in its section
    ``run``.

    Args:
        config: the configuration.
        method: a name of ``config.methods``.
        shards: the method's shards; none for engine ``real``, whose images the configuration names.
        output: the JSON file: ``method``, ``metrics``, ``protocol``, ``histograms``, ``recipe``,
            ``recipe_hash``, ``run``.

    Raises:
        ModelError: a network is missing or does not fit.
        DataError: shards or real images are missing or broken, or too few for the metrics.
    """
    started, output, settings = time.monotonic(), Path(output), config.evaluation
    device = pick_device(config.device)
    set_threads(config.threads_per_job)
    reset_peak_memory()
    classes = load_classes(config.classes)
    teacher = load_teacher(config.teacher, len(classes))
    extractor = load_extractor(
        settings.extractor.kind,
        settings.extractor.weights,
        given=settings.extractor.model_dump(include={"architecture", "mean", "std", "size_px"}),
        device=device,
        batch=settings.batch,
    )
    images = _images_of(config, method, shards, classes)
    reference = EvaluationData(_reference(config, len(images), classes)).open_for("evaluation")
    smallest = min(len(images), len(reference))
    if smallest <= settings.k:
        raise DataError(
            f"evaluation.k: {settings.k} neighbours need more images than that, "
            f"but {images.name} has {len(images)} and {reference.name} {len(reference)}"
        )
    passing = {"batch": settings.batch, "device": device}
    real = measure_cached(
        reference, extractor, teacher, folder=progress_dir(output.parent / "reference"), **passing
    )
    synthetic = measure(images, extractor, teacher, **passing)
    protocol = Protocol(
        extractor.name, settings.k, settings.kid_subsets, settings.kid_subset_size, config.seed
    )
    results = image_metrics(real=real, synthetic=synthetic, protocol=protocol)
    oracle = {} if settings.oracle is None else _ask_oracle(settings.oracle, images, classes, **passing)
    metrics = {**results.metrics, **oracle}
    manifest = {
        "stage": "evaluation",
        "recipe": config.recipe("evaluation", method=method),
        "revision": REVISION,
        "inputs": {Path(shard).name: sha256_file(shard) for shard in shards},
        "models": {"extractor": extractor.fingerprint, "teacher": sha256_file(config.teacher.weights)},
    }
    write_json(
        output,
        {
            "method": method,
            "metrics": {name: round(value, _DIGITS) for name, value in metrics.items()},
            "protocol": {
                "extractor": extractor.name,
                "k_precision": settings.k,
                "k_density": settings.k,
                "n_real": len(reference),
                "n_synthetic": len(images),
                "n": results.n,
                "names": {**results.names, **{name: f"{name}_n{len(images)}" for name in oracle}},
            },
            "histograms": _rounded(results.histograms),
            **manifest,
            "recipe_hash": hash_of(manifest),
            "run": run_facts(time.monotonic() - started, len(images), device),
        },
    )
    log.info("%s: %s", method, ", ".join(f"{name} {value:.4g}" for name, value in metrics.items()))


def _images_of(config: Config, method: str, shards: Sequence[Path], classes: ClassList) -> ImageSet:
    if config.methods[method].engine != "real":
        images: ImageSet = read_shards([Path(shard) for shard in shards])
    elif shards:
        raise DataError(f"method {method}: engine real takes real images, but {shards[0]} is given too")
    else:
        images = load_source(
            str(config.synthesis.real),
            size_px=config.diffusion.size_px,
            classes=classes,
            count=config.synthesis.images_per_class,
            seed=split_seed(config.seed, "train"),
        )
    if images.labels.min() < 0 or images.labels.max() >= len(classes):
        raise DataError(
            f"{images.name}: has label {images.labels.max()}, the class list ends at {len(classes) - 1}"
        )
    return images


def _reference(config: Config, synthetic: int, classes: ClassList) -> ImageSet:
    """Real test images; of a drawn world as many as there are synthetic ones where no number is asked for."""
    spec, count = config.evaluation.reference, config.evaluation.reference_per_class
    if count is None and spec.startswith("world:"):
        count = max(2, -(-synthetic // len(classes)))
    return load_source(
        spec,
        size_px=config.diffusion.size_px,
        classes=classes,
        count=count,
        seed=split_seed(config.seed, "test"),
    )


def _ask_oracle(
    weights: Path, images: ImageSet, classes: ClassList, *, batch: int, device: torch.device
) -> dict[str, float]:
    """The oracle's metrics; the miniature's words are loaded only where there is an oracle to speak them."""
    from prism.miniature.captions import STYLE_PHRASES
    from prism.miniature.lexicon import COLOURS, CONCEPTS, CONTEXTS, STYLES

    words = dict(zip(HEADS, (tuple(CONCEPTS), STYLES, CONTEXTS, tuple(COLOURS)), strict=True))
    sizes = {head: len(words[head]) for head in HEADS}
    oracle = load_classifier(weights)
    if oracle.num_classes != sum(sizes.values()):
        raise ModelError(
            f"{weights}: has {oracle.num_classes} outputs; an oracle has {sum(sizes.values())}, "
            f"{', '.join(f'{size} for the {head}' for head, size in sizes.items())}"
        )
    keys = [f"{spec.name}.{spec.sense}" for spec in classes]
    foreign = [key for key in keys if key not in CONCEPTS]
    if foreign:
        raise DataError(
            f"{classes.source}: {foreign[0]} is not in the miniature's world; set evaluation.oracle to null"
        )
    seen = split_heads(classify(oracle, images.images, batch=batch, device=device), tuple(sizes.values()))
    concept_of = np.array([words["concept"].index(key) for key in keys])
    records = images.records if isinstance(images, ShardSet) else ({},) * len(images)
    styles = np.array([style_asked(record, STYLE_PHRASES) for record in records])
    wanted = {"concept": concept_of[images.labels], "style": styles}
    return oracle_metrics(seen=seen, wanted=wanted, labels=images.labels, sizes=sizes)


def style_asked(record: dict[str, Any], phrases: dict[str, tuple[str, ...]]) -> int:
    """Index of the style that an image's record or prompt asks for, -1 if it asks for none."""
    styles = list(phrases)
    if record.get("style") in styles:
        return styles.index(record["style"])
    prompt = str(record.get("prompt", ""))
    asked = [
        index for index, style in enumerate(styles) if any(phrase in prompt for phrase in phrases[style])
    ]
    return asked[0] if asked else -1


def _rounded(histograms: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, list[float]]]:
    return {
        name: {key: [round(value, _DIGITS) for value in values] for key, values in histogram.items()}
        for name, histogram in histograms.items()
    }
