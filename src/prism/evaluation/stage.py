"""The stage ``evaluation``: one method's images against real ones, one pass, one JSON file."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from prism.artifacts import hash_of, progress_dir, sha256_file, write_json
from prism.config import Config
from prism.data.classes import load_classes
from prism.data.method_images import method_parts, reference_images
from prism.devices import pick_device, reset_peak_memory, run_facts, set_threads
from prism.errors import DataError
from prism.evaluation import REVISION
from prism.evaluation.measures import joined, measure, measure_cached
from prism.evaluation.oracle import joined as joined_answers
from prism.evaluation.oracle import load_oracle
from prism.evaluation.protocol import Protocol, image_metrics, oracle_metrics
from prism.events import numbers, tell
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
    set_threads(config.threads("evaluation"))
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
    size_px = config.diffusion.size_px
    passing = {"batch": settings.batch, "device": device}
    oracle = load_oracle(settings.oracle, classes) if settings.oracle is not None else None
    measured, answers = [], []
    for part in method_parts(config, method, shards, classes, real_px=size_px):
        measured.append(measure(part, extractor, teacher, **passing))
        if oracle is not None:
            answers.append(oracle.ask(part, **passing))
        del part  # before the next one is read
    synthetic = joined(measured)
    alike = max(2, -(-len(synthetic) // len(classes)))  # as many as are compared with them
    reference = reference_images(config, classes, size_px=size_px, drawn=alike)
    smallest = min(len(synthetic), len(reference))
    if smallest <= settings.k:
        raise DataError(
            f"evaluation.k: {settings.k} neighbours need more images than that, "
            f"but {method} has {len(synthetic)} and {reference.name} {len(reference)}"
        )
    real = measure_cached(reference, extractor, teacher, folder=progress_dir(output.parent / "reference"), **passing)
    protocol = Protocol(extractor.name, settings.k, settings.kid_subsets, settings.kid_subset_size, config.seed)
    results = image_metrics(real=real, synthetic=synthetic, protocol=protocol)
    told: dict[str, float] = {}
    if oracle is not None:
        asked = {"synthetic": joined_answers(answers), "real": oracle.ask(reference, **passing)}
        told = oracle_metrics(**asked, sizes=oracle.sizes)
    metrics = {**results.metrics, **told}
    manifest = {
        "stage": "evaluation",
        "recipe": config.recipe("evaluation", method=method),
        "revision": REVISION,
        "inputs": {Path(shard).name: sha256_file(shard) for shard in shards},
        "models": {
            "extractor": extractor.fingerprint,
            "teacher": sha256_file(config.teacher.weights),
            **({} if settings.oracle is None else {"oracle": sha256_file(settings.oracle)}),
        },
    }
    facts = run_facts(time.monotonic() - started, len(synthetic), device)
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
                "n_synthetic": len(synthetic),
                "n": results.n,
                "names": {**results.names, **{name: f"{name}_n{len(synthetic)}" for name in told}},
            },
            "histograms": _rounded(results.histograms),
            **manifest,
            "recipe_hash": hash_of(manifest),
            "run": facts,
        },
    )
    tell("wrote", file=str(output), **{**numbers(facts), "stage": "evaluation", "count": len(synthetic)})
    log.info("%s: %s", method, ", ".join(f"{name} {value:.4g}" for name, value in metrics.items()))


def _rounded(histograms: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, list[float]]]:
    return {
        name: {key: [round(value, _DIGITS) for value in values] for key, values in histogram.items()}
        for name, histogram in histograms.items()
    }
