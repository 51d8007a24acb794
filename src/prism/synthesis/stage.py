"""The synthesis stage: prompts in, one shard of images and its manifest out, resumed where it was killed."""

from __future__ import annotations

import logging
import shutil
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from prism.artifacts import Manifest, atomic_path, hash_of, progress_dir, sha256_file
from prism.config import Config, MethodConfig
from prism.data.classes import load_classes
from prism.data.prompts import PromptRecord, read_prompts
from prism.data.pseudo_words import check_prompts
from prism.data.shards import Sample, sample_key, shard_plan, write_shard
from prism.devices import pick_device, pick_precision, reset_peak_memory, run_facts
from prism.errors import ModelError, ShardError
from prism.guidance import Term, free
from prism.models.diffusion import load_text_to_image
from prism.models.hashes import hash_weights
from prism.models.pseudo_words import add_pseudo_words, read_pseudo_words
from prism.models.teacher import load_teacher
from prism.seeds import derive, image_seed
from prism.synthesis import REVISION
from prism.synthesis.batch import Drawn, draw_until_valid
from prism.synthesis.sampler import Sampler, SamplerSettings

log = logging.getLogger(__name__)

Place = tuple[int, int]  # class index, image index


def synthesize(
    config: Config, method: str, shard: int, prompts: Path, output: Path, tokens: Path | None = None
) -> Manifest:
    """Write shard number ``shard`` of ``method``'s images to ``output`` (a tar) and its manifest beside it.

    Finished batches lie in the progress folder until the shard is whole, so that a killed job loses at most the
    batch that it was in; they are used again only for the same recipe. ``tokens`` are the learned words that the
    prompts name, where their strategy has any.

    Raises:
        PrismError: an input is missing, damaged or does not fit; the message is one line.
    """
    started = time.monotonic()
    chosen = config.methods[method]
    classes = load_classes(config.classes)
    records = read_prompts(prompts, classes, config.synthesis.images_per_class)
    shards = config.synthesis.shards
    if not 0 <= shard < shards:
        raise ShardError(f"synthesis: there is no shard {shard}; synthesis.shards={shards}, so 0 to {shards - 1}")
    plan = shard_plan(len(classes), config.synthesis.images_per_class, shards)[shard]
    device = pick_device(config.device)
    reset_peak_memory()
    hashes = _model_hashes(config)
    words = _learned_words(config, method, records, prompts, tokens, hashes.get("pipeline"))
    model = load_text_to_image(config.diffusion, device, pick_precision(config.precision, device))
    teacher = load_teacher(config.teacher, len(classes)).to(device)
    if words is not None:
        add_pseudo_words(model, words)
    sampler = Sampler(model, teacher, sampler_settings(config, chosen))
    identity = {
        "stage": "synthesis",
        "recipe": config.recipe("synthesis", method=method),
        "revision": REVISION,
        "inputs": {"prompts": sha256_file(prompts), **({"tokens": sha256_file(tokens)} if tokens else {})},
        "models": hashes,
    }
    batch = config.diffusion.batch
    work = progress_dir(output) / hash_of({**identity, "shard": shard, "batch": batch})
    work.mkdir(parents=True, exist_ok=True)
    redrawn = 0
    samples: list[Sample] = []
    title = f"{method} shard {shard + 1} of {shards}"
    with tqdm(total=len(plan), desc=title, unit="image", mininterval=1) as bar:
        for start in range(0, len(plan), batch):
            places = plan[start : start + batch]
            saved = work / f"batch-{start // batch:05d}.npz"
            drawn = _read_batch(saved, places)
            if drawn is None:
                drawn = _draw(sampler, config, records, places)
                _write_batch(saved, places, drawn)
            redrawn += drawn.redrawn
            samples += _samples(records, places, drawn)
            bar.update(len(places))
    manifest = write_shard(
        output,
        samples,
        {
            **identity,
            "details": {"method": method, "shard": shard, "redrawn": redrawn},
            "run": run_facts(time.monotonic() - started, len(samples), device),
        },
    )
    shutil.rmtree(progress_dir(output), ignore_errors=True)
    return manifest


def sampler_settings(config: Config, method: MethodConfig) -> SamplerSettings:
    """The sampler's settings of a method of the configuration."""
    terms = tuple(Term(**term.model_dump()) for term in method.guidance)
    return SamplerSettings(config.diffusion.steps, config.diffusion.guidance_scale, terms)


def _learned_words(
    config: Config,
    method: str,
    records: list[list[PromptRecord]],
    prompts: Path,
    tokens: Path | None,
    pipeline: str | None,
) -> torch.Tensor | None:
    """The embeddings (classes, width) of the words that the prompts name, None where their strategy has none.

    Raises:
        PrismError: prompts, strategy and file do not belong together.
    """
    learned = config.learns_token(method)
    if learned != (tokens is not None):
        wanted = "needs the tokens of its strategy (--tokens)" if learned else "has no tokens; leave --tokens out"
        raise ModelError(f"synthesis: method {method} {wanted}")
    named = ((record.class_index, record.prompt) for of_class in records for record in of_class)
    check_prompts(named, learned=learned, path=prompts)
    return read_pseudo_words(tokens, len(records), pipeline) if tokens is not None else None


def _draw(sampler: Sampler, config: Config, records: list[list[PromptRecord]], places: Sequence[Place]) -> Drawn:
    prompts = [records[c][j].prompt for c, j in places]
    labels = torch.tensor([c for c, _ in places])
    seeds = [image_seed(config.seed, c, j) for c, j in places]
    drawn = draw_until_valid(
        lambda rows, chosen: sampler.sample(
            [prompts[row] for row in rows], labels[rows], chosen, size_px=config.diffusion.size_px
        ),
        seeds,
        next_seed=lambda seed, attempt: derive(seed, "again", attempt),
    )
    if drawn.invalid:
        c, j = places[drawn.invalid[0]]
        raise ModelError(
            f"synthesis: image {j} of class {c} is not finite or constant whatever the seed; "
            f"its prompt is {prompts[drawn.invalid[0]]!r}: check diffusion.pipeline and the guidance scale"
        )
    with torch.no_grad():
        images = torch.from_numpy(drawn.images).permute(0, 3, 1, 2).to(sampler.model.device) / 255
        logits = sampler.teacher(images).float().cpu()
    return drawn.scored(
        energies=free(logits, labels).numpy(),
        confidences=logits.softmax(dim=1).gather(1, labels[:, None]).squeeze(1).numpy(),
    )


def _samples(records: list[list[PromptRecord]], places: Sequence[Place], drawn: Drawn) -> list[Sample]:
    samples = []
    for row, (c, j) in enumerate(places):
        record: dict[str, Any] = {
            "class_index": c,
            "image_index": j,
            "prompt": records[c][j].prompt,
            "sense": records[c][j].sense,
            "style": records[c][j].style,
            "seed": int(drawn.seeds[row]),
            "energy": round(float(drawn.energies[row]), 5),
            "teacher_confidence": round(float(drawn.confidences[row]), 5),
        }
        samples.append(Sample(sample_key(c, j), drawn.images[row], record))
    return samples


def _write_batch(path: Path, places: Sequence[Place], drawn: Drawn) -> None:
    with atomic_path(path) as part:
        np.savez(part, places=np.array(places), **drawn.arrays())


def _read_batch(path: Path, places: Sequence[Place]) -> Drawn | None:
    """A finished batch, or None if there is none or it was damaged: it is then drawn anew."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as saved:
            if not np.array_equal(saved["places"], np.array(places)):
                raise ValueError("it holds other images")
            return Drawn.from_arrays(saved)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        log.warning("%s: cannot be used (%s); its images are drawn again", path, error)
        return None


def _model_hashes(config: Config) -> dict[str, str]:
    hashes = {"teacher": hash_weights(Path(config.teacher.weights))}
    for name, folder in (("pipeline", config.diffusion.pipeline), ("tiny_decoder", config.diffusion.tiny_decoder)):
        if folder is not None and Path(folder).is_dir():
            hashes[name] = hash_weights(Path(folder))
    return hashes
