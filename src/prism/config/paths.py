"""Do the files that a configuration names exist? Asked before the first job, never at import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prism.config.base import is_hub_id, split_archive
from prism.config.model import Config
from prism.config.replicates import missing_replicates
from prism.errors import ConfigError


def check_paths(config: Config, root: Path | str = ".", *, zoo: bool = False) -> None:
    """Refuse a configuration whose files are missing.

    Args:
        config: the configuration.
        root: the folder that relative paths start from.
        zoo: look for what the zoo is trained on alone; else for all that the experiment reads.

    Raises:
        ConfigError: one line for each missing file, naming the key and the path.
    """
    root, made = Path(root), Path(zoo_folder(config))
    missing = []
    for key, path in zoo_paths(config) if zoo else named_paths(config):
        if Path(path).is_relative_to(made):
            # Its models come one by one, its manifest last.
            if not (root / path).exists() or not (root / made / "manifest.json").exists():
                missing.append(f"config: {key}: there is no finished {path}; run the target zoo first")
        elif not (root / path).exists():
            missing.append(f"config: {key}: there is no {path}")
    if not zoo:
        missing += [f"config: {key}: {problem}" for key, problem in missing_replicates(config, root)]
    if missing:
        raise ConfigError("\n".join(missing))


def zoo_folder(config: Config) -> str:
    """Where the target ``zoo`` puts the experiment's models."""
    return f"results/zoo/{config.experiment}"


def zoo_paths(config: Config) -> Iterator[tuple[str, str]]:
    """All local paths that the zoo is trained on: (key, path); none for the miniature, which draws."""
    if config.zoo.kind == "photographs":
        archives = dict.fromkeys(split_archive(images)[0] for images in config.zoo.images)
        yield from (("zoo.images", path) for path in archives)
        yield "zoo.classes", str(config.zoo.classes)


def named_paths(config: Config) -> Iterator[tuple[str, str]]:
    """All local paths that the run reads: (key, path); hub ids and the drawn world are none."""
    yield "classes", str(config.classes)
    yield "teacher.weights", str(config.teacher.weights)
    if config.teacher.classes is not None:
        yield "teacher.classes", str(config.teacher.classes)
    for name in config.run:
        relabel = config.methods[name].relabel
        for place, other in enumerate(relabel.teachers if relabel else ()):
            yield f"methods.{name}.relabel.teachers[{place}].weights", str(other.weights)
            if other.classes is not None:
                yield f"methods.{name}.relabel.teachers[{place}].classes", str(other.classes)
    for name, other in config.further_teachers.items():
        yield f"teachers.{name}.weights", str(other.weights)
        if other.classes is not None:
            yield f"teachers.{name}.classes", str(other.classes)
    if any(config.methods[name].engine == "diffusion" for name in config.run):
        yield from _sampling_paths(config)
    for key, path in (
        ("evaluation.extractor.weights", config.evaluation.extractor.weights),
        ("evaluation.oracle", config.evaluation.oracle),
        ("tables.published", config.tables.published),
    ):
        if path is not None:
            yield key, str(path)
    if config.synthesis.real is not None and not all(config.methods[name].data_free for name in config.run):
        yield from _image_paths("synthesis.real", config.synthesis.real)
    yield from _image_paths("evaluation.reference", config.evaluation.reference)
    for name, images in config.generalization.domains.items():
        yield from _image_paths(f"generalization.domains.{name}", images)


def _sampling_paths(config: Config) -> Iterator[tuple[str, str]]:
    if not is_hub_id(config.diffusion.pipeline):
        yield "diffusion.pipeline", config.diffusion.pipeline
    tiny = any(config.methods[name].needs_tiny_decoder for name in config.run)
    tiny |= config.tokens.decoder == "tiny" and any(config.learns_token(name) for name in config.run)
    if config.diffusion.tiny_decoder is not None and tiny:
        yield "diffusion.tiny_decoder", str(config.diffusion.tiny_decoder)
    asked = any(
        config.strategies[method.prompts].contents
        for method in (config.methods[name] for name in config.run)
        if method.prompts is not None
    )
    model = config.prompts.model
    if asked and config.prompts.engine == "transformers" and model and not is_hub_id(model):
        yield "prompts.model", model


def _image_paths(key: str, images: str) -> Iterator[tuple[str, str]]:
    path, _ = split_archive(images)
    if not path.startswith(("world:", "corruption:")):
        yield key, path
