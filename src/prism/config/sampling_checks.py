"""Checks of what the methods of engine diffusion ask of the sampler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prism.config.base import Problem
from prism.config.methods import FEWEST_FOR_BATCH_STATISTICS

if TYPE_CHECKING:
    from prism.config.methods import InterleavedStudentConfig, MethodConfig
    from prism.config.model import Config


def ran(config: Config) -> Iterator[tuple[str, MethodConfig]]:
    return ((name, config.methods[name]) for name in config.run if name in config.methods)


def batches(config: Config) -> list[Problem]:
    batch, fewest = config.diffusion.batch, FEWEST_FOR_BATCH_STATISTICS
    return [
        (
            "diffusion.batch",
            f"{batch} is too small for methods.{name}.guidance[{place}].statistics=batch, "
            f"which needs at least {fewest}",
        )
        for name, method in ran(config)
        for place, term in enumerate(method.guidance)
        if term.facts.statistics and term.statistics == "batch" and batch < fewest
    ]


def terms(config: Config) -> list[Problem]:
    """A term that acts at no step would leave its method unguided under a guided one's label."""
    steps = config.diffusion.steps
    found: list[Problem] = []
    for name, method in ran(config):
        for place, term in enumerate(method.guidance):
            start, stop = term.interval
            last = steps if term.last_step else steps - 1
            if term.scale > 0 and not any(start <= step / steps < stop for step in range(0, last, term.every)):
                what = f"[{start:g}, {stop:g}] with every={term.every} has none of diffusion.steps={steps}"
                found.append((f"methods.{name}.guidance[{place}].interval", f"{what}; widen it, or guide more often"))
    return found


def cutmix(config: Config) -> list[Problem]:
    found: list[Problem] = []
    for name, method in ran(config):
        if method.cutmix is None:
            continue
        key, steps = f"methods.{name}.cutmix", config.diffusion.steps
        if method.cutmix.every >= steps - 1:
            what = f"{method.cutmix.every} steps never come before the last of diffusion.steps={steps}"
            found.append((f"{key}.every", what))
        if config.diffusion.scheduler == "dpm-solver++":
            found.append(
                ("diffusion.scheduler", f"dpm-solver++ steps by earlier predictions, which {key} would not mix")
            )
        if config.diffusion.batch < 2:
            found.append(("diffusion.batch", f"1 leaves {key} no partner; it needs at least 2"))
        fewest = _per_round(config, name, method)
        if method.cutmix.partners == "same-class" and fewest < 2:
            what = f"same-class needs 2 images of a class at a time, and there is {fewest}"
            found.append((f"{key}.partners", f"{what}; use fewer synthesis.shards, or any"))
    return found


def _per_shard(config: Config, name: str) -> int:
    """Images of a class in a shard."""
    return config.images_per_class(name) // config.shards(name)


def _per_round(config: Config, name: str, method: MethodConfig) -> int:
    """Images of a class in a shard, or between two trainings of the interleaved student."""
    images = _per_shard(config, name)
    return images if method.student is None else min(images, method.student.every)


def students(config: Config) -> list[Problem]:
    return [
        (
            f"methods.{name}.student.start",
            f"{method.student.start} images per class are never passed, a shard has {_per_shard(config, name)}; use a "
            "smaller number or fewer synthesis.shards",
        )
        for name, method in ran(config)
        if method.student is not None and _first_use(method.student) >= _per_shard(config, name)
    ]


def _first_use(student: InterleavedStudentConfig) -> int:
    """Images per class of a shard after which the adversarial energy first acts: the end of a round."""
    return -(-student.start // student.every) * student.every


def decoders(config: Config) -> list[Problem]:
    if config.diffusion.tiny_decoder is not None:
        return []
    learned: list[Problem] = []
    if config.tokens.decoder == "tiny" and any(config.learns_token(name) for name in config.run):
        learned = [
            ("tokens.decoder", "tiny, but diffusion.tiny_decoder is not set; name its folder there, or use full")
        ]
    return learned + [
        (
            f"methods.{name}.guidance[{place}].decoder",
            "tiny, but diffusion.tiny_decoder is not set; name its folder there, or use decoder: full",
        )
        for name in config.run
        if name in config.methods
        for place, term in enumerate(config.methods[name].guidance)
        if term.decoder == "tiny"
    ]
