"""The synthesis stage: prompts in, one shard of images and its manifest out, resumed where it was killed."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from prism.artifacts import Manifest, WorkClock, hash_of, progress_dir, sha256_file
from prism.config import Config, MethodConfig
from prism.config.methods import FEWEST_FOR_BATCH_STATISTICS
from prism.data.classes import load_classes
from prism.data.kept import keep_batch, kept_batch
from prism.data.prompts import PromptRecord, read_prompts
from prism.data.pseudo_words import check_prompts
from prism.data.shards import Sample, sample_key, shard_plan, write_shard
from prism.devices import arithmetic, pick_device, pick_precision, reset_peak_memory, run_facts
from prism.errors import ConfigError, ModelError, ShardError
from prism.guidance import Term, free
from prism.memory import as_a_whole
from prism.models.architectures import check_batchnorm
from prism.models.diffusion import load_text_to_image
from prism.models.hashes import hash_weights
from prism.models.pseudo_words import add_pseudo_words, read_pseudo_words
from prism.models.teacher import Teacher, load_teacher
from prism.progress import ProgressBar
from prism.seeds import derive, image_seed
from prism.synthesis import REVISION
from prism.synthesis.batch import Drawn, draw_until_valid
from prism.synthesis.cutmix import Mixture
from prism.synthesis.energies import energies_of
from prism.synthesis.plan import Place, batches_of, class_batches, even_batches, rounds_of
from prism.synthesis.sampler import Sampler, SamplerSettings
from prism.synthesis.selection import Candidates, selected
from prism.synthesis.student import InterleavedStudent

log = logging.getLogger(__name__)


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
    check_batchnorm(config, [method])
    classes = load_classes(config.classes)
    per_class, shards = config.images_per_class(method), config.shards(method)
    records = read_prompts(prompts, classes, per_class, named=config.strategies[chosen.prompts].named)
    if not 0 <= shard < shards:
        raise ShardError(f"synthesis: there is no shard {shard}; synthesis.shards={shards}, so 0 to {shards - 1}")
    places = shard_plan(len(classes), per_class, shards)[shard]
    candidates = Candidates(per_class, shards, chosen.select.draw if chosen.select else 1.0)
    records = [candidates.with_candidates(of_class) for of_class in records]
    rounds = batch_plan(config, chosen, candidates.of(places, shard))
    settings = sampler_settings(config, chosen)
    check_batches(method, settings, rounds)
    device = pick_device(config.device)
    reset_peak_memory()
    teacher = load_teacher(config.teacher, len(classes)).to(device)
    hashes = _model_hashes(config)
    words = _learned_words(config, method, records, prompts, tokens, hashes.get("pipeline"))
    dtype = pick_precision(config.precision, device)
    model = load_text_to_image(config.diffusion, device, dtype)
    if words is not None:
        add_pseudo_words(model, words)
    sampler = Sampler(model, teacher, settings)
    identity = {
        "stage": "synthesis",
        "recipe": config.recipe("synthesis", method=method),
        "revision": REVISION,
        "inputs": {"prompts": sha256_file(prompts), **({"tokens": sha256_file(tokens)} if tokens else {})},
        "models": hashes,
    }
    unfinished = {"shard": shard, "batch": config.diffusion.batch, "arithmetic": arithmetic(device, dtype)}
    work = progress_dir(output) / hash_of({**identity, **unfinished})
    work.mkdir(parents=True, exist_ok=True)
    clock = WorkClock(work / "seconds", started)
    student = _student(config, chosen, teacher, work, shard, clock)
    title = f"{method} shard {shard + 1} of {shards}"
    with ProgressBar(
        total=sum(len(part) for batches in rounds for part in batches), desc=title, unit="image", mininterval=1
    ) as bar:
        finished = _draw_all(sampler, config, records, rounds, student, work, bar, clock)
    samples = [sample for part, drawn in finished for sample in _samples(records, part, drawn)]
    details = {"method": method, "shard": shard, "redrawn": sum(drawn.redrawn for _, drawn in finished)}
    if chosen.select is not None:
        details |= {"candidates": len(samples), "kept": len(places)}
        right = np.concatenate([drawn.right for _, drawn in finished])
        samples = selected(samples, right, places, by=chosen.select.by)
    manifest = write_shard(
        output,
        samples,
        {
            **identity,
            "details": details,
            "run": {**run_facts(clock.seconds, len(samples), device, dtype), **sampler.pieces.facts()},
        },
    )
    shutil.rmtree(progress_dir(output), ignore_errors=True)
    return manifest


def sampler_settings(config: Config, method: MethodConfig) -> SamplerSettings:
    """The sampler's settings of a method of the configuration."""
    terms = tuple(Term(**term.model_dump()) for term in method.guidance)
    energies = energies_of(method.guidance)
    return SamplerSettings(config.diffusion.steps, config.diffusion.guidance_scale, terms, method.cutmix, energies)


def batch_plan(config: Config, method: MethodConfig, places: Sequence[Place]) -> list[list[list[Place]]]:
    """The batches of a shard's places in rounds, after each of which the interleaved student learns."""
    if method.cutmix is not None and method.cutmix.partners == "same-class":
        cut = class_batches
    else:
        cut = even_batches if method.needs_batches else batches_of
    rounds = rounds_of(places, method.student.every if method.student else None)
    return [cut(part, config.diffusion.batch) for part in rounds]


def check_batches(method: str, settings: SamplerSettings, rounds: list[list[list[Place]]]) -> None:
    """Refuse a plan with a batch too small for the statistics that are taken over it.

    Raises:
        ConfigError: naming the method, the smallest batch and the number needed.
    """
    smallest, fewest = min(len(part) for batches in rounds for part in batches), FEWEST_FOR_BATCH_STATISTICS
    if settings.reads_batches and smallest < fewest:
        raise ConfigError(
            f"config: methods.{method}: statistics=batch needs batches of at least {fewest} images, and one has "
            f"{smallest}; use another diffusion.batch or fewer synthesis.shards"
        )


def _student(
    config: Config, method: MethodConfig, teacher: Teacher, work: Path, shard: int, clock: WorkClock
) -> InterleavedStudent | None:
    if method.student is None:
        return None
    seed = derive(config.seed, "interleaved student", shard)
    return InterleavedStudent(method.student, teacher, work, seed=seed, device=teacher.mean.device, clock=clock)


def _draw_all(
    sampler: Sampler,
    config: Config,
    records: list[list[PromptRecord]],
    rounds: list[list[list[Place]]],
    student: InterleavedStudent | None,
    work: Path,
    bar: ProgressBar,
    clock: WorkClock,
) -> list[tuple[list[Place], Drawn]]:
    """All batches, drawn or taken from ``work``; the student learns between the rounds and guides the next one."""
    finished: list[tuple[list[Place], Drawn]] = []
    for number, batches in enumerate(rounds):
        for places in batches:
            saved = work / f"batch-{len(finished):05d}.npz"
            drawn = kept_batch(saved, places, Drawn.from_arrays, again="drawn")
            if drawn is not None:
                bar.skip(len(places))
            else:
                with as_a_whole("diffusion.batch", config.diffusion.batch):
                    drawn = _draw(sampler, config, records, places)
                keep_batch(saved, places, drawn.arrays())
                clock.save()
                bar.update(len(places))
            finished.append((places, drawn))
        if student is not None and number < len(rounds) - 1:
            images = np.concatenate([drawn.images for _, drawn in finished])
            sampler.student = student.learn(number, torch.from_numpy(images))
    return finished


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
    settings, size_px = sampler.settings, config.diffusion.size_px
    now, mixed_classes, mixes = list(seeds), labels.numpy().copy(), np.zeros(len(places))

    def alone(rows: list[int], chosen: list[int]) -> torch.Tensor:
        return sampler.sample([prompts[row] for row in rows], labels[rows], chosen, size_px=size_px)

    def together(rows: list[int], chosen: list[int]) -> torch.Tensor:
        """The whole batch again, with new seeds for ``rows`` alone: all others are as they were for them."""
        for row, seed in zip(rows, chosen, strict=True):
            now[row] = seed
        mixture = None
        if settings.cutmix is not None:
            mixture = Mixture(settings.cutmix, labels.tolist(), now, steps=settings.steps, key=seeds[0])
        images = sampler.sample(prompts, labels, now, size_px=size_px, mixture=mixture)
        if mixture is not None:
            classes, shares = mixture.shares()
            mixed_classes[rows], mixes[rows] = classes[rows], shares[rows]
        return images[rows]

    drawn = draw_until_valid(
        together if settings.of_batches else alone,
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
    if settings.cutmix is not None:
        drawn = drawn.mixed(mixed_classes, mixes)
    return drawn.scored(
        energies=free(logits, labels).numpy(),
        confidences=logits.softmax(dim=1).gather(1, labels[:, None]).squeeze(1).numpy(),
        right=(logits.argmax(dim=1) == labels).numpy(),
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
        if len(drawn.mixes):
            record["mixed_class_index"] = int(drawn.mixed_classes[row])
            record["mix"] = round(float(drawn.mixes[row]), 5)
        samples.append(Sample(sample_key(c, j), drawn.images[row], record))
    return samples


def _model_hashes(config: Config) -> dict[str, str]:
    hashes = {"teacher": hash_weights(Path(config.teacher.weights))}
    for name, folder in (("pipeline", config.diffusion.pipeline), ("tiny_decoder", config.diffusion.tiny_decoder)):
        if folder is not None and Path(folder).is_dir():
            hashes[name] = hash_weights(Path(folder))
    return hashes
