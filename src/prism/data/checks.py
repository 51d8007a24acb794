"""Do the parts of a configuration go together? Asked before the first job."""

from __future__ import annotations

from pathlib import Path

from prism.config import Config, split_archive
from prism.config.prompts import CLEAN, is_clean
from prism.config.remarks import is_of_the_miniature
from prism.data.classes import ClassList, load_classes
from prism.data.folders import ImageFolder, class_folders
from prism.data.sources import WORLD, world_names
from prism.errors import ConfigError, DataError


def checked_classes(config: Config, *, folders: bool = True) -> ClassList:
    """The class list of a configuration, after a look at whether what is the miniature's alone goes with it, and
    whether real images have a folder for each class.

    Args:
        config: the configuration.
        folders: look into folders and archives of real images, as far as they are there.

    Raises:
        ConfigError: one line for each key that still has the miniature's value and does not fit the classes or the
            text-to-image model.
    """
    classes, found = load_classes(config.classes), []
    if classes.names != world_names():
        named = {"evaluation.reference": config.evaluation.reference}
        named |= {f"generalization.domains.{name}": spec for name, spec in config.generalization.domains.items()}
        if not all(config.methods[name].data_free for name in config.run):
            named["synthesis.real"] = str(config.synthesis.real)
        for key, spec in named.items():
            if spec.startswith(WORLD):
                instead = "a folder or an archive" + (
                    " of real images, or null" if "domains" in key else " of real images"
                )
                found.append(
                    f"{key}: {spec} draws the miniature's classes, {config.classes} has others; name {instead}"
                )
        if is_of_the_miniature(config.evaluation.oracle):
            found.append(
                f"evaluation.oracle: knows the miniature's classes, {config.classes} has others; set it to null"
            )
        found += [
            f"teachers.{name}: knows the miniature's classes, {config.classes} has others; name your own, or null"
            for name, teacher in config.further_teachers.items()
            if is_of_the_miniature(teacher.weights)
        ]
        strategies = {config.methods[name].prompts for name in config.run} - {None}
        written = config.prompts.engine == "transformers" and any(config.strategies[one].contents for one in strategies)
        if written and is_of_the_miniature(config.prompts.model):
            instead = "name a language model, or set prompts.engine to templates"
            found.append(f"prompts.model: {config.prompts.model} knows the miniature's classes alone; {instead}")
    if config.evaluation.extractor.kind != "miniature" and is_of_the_miniature(config.evaluation.extractor.weights):
        what = f"{config.evaluation.extractor.weights} is no network of kind {config.evaluation.extractor.kind}"
        found.append(f"evaluation.extractor.weights: {what}; name its own, or null where the kind brings them")
    if any(config.methods[name].prompts for name in config.run):
        odd = next((spec for spec in classes if not is_clean(spec.name)), None)
        if odd is not None:
            found.append(f"classes: {config.classes}: {odd.name!r} should be of {CLEAN}, as prompts are")
    found += _orders(config, classes)
    if folders:
        found += _folders(config, classes)
    drawn = any(config.methods[name].needs_tiny_decoder for name in config.run)
    pipeline, tiny = config.diffusion.pipeline, config.diffusion.tiny_decoder
    if drawn and is_of_the_miniature(tiny) and not is_of_the_miniature(pipeline):
        found.append(f"diffusion.tiny_decoder: {tiny} decodes no latents of {pipeline}; name its own, as TAESD's")
    if found:
        raise ConfigError("\n".join(f"config: {problem}" for problem in found))
    return classes


def _orders(config: Config, classes: ClassList) -> list[str]:
    """Teachers whose outputs have another order than the classes."""
    sections = {"teacher": config.teacher}
    for name in config.run:
        relabel = config.methods[name].relabel
        for place, teacher in enumerate(relabel.teachers if relabel else ()):
            sections[f"methods.{name}.relabel.teachers[{place}]"] = teacher
    sections |= {f"teachers.{name}": teacher for name, teacher in config.further_teachers.items()}
    found = []
    for key, section in sections.items():
        if section.classes is None:
            continue
        theirs = load_classes(section.classes).names
        if theirs != classes.names:
            pairs = zip(theirs, classes.names, strict=False)
            place = next((place for place, (one, other) in enumerate(pairs) if one != other), None)
            if place is None:
                what = f"has {len(theirs)} classes, {config.classes} has {len(classes)}"
            else:
                what = f"output {place} is {theirs[place]!r}, {config.classes} has {classes.names[place]!r} there"
            found.append(f"{key}.classes: {what}; list the classes in the order of the outputs")
    return found


def _folders(config: Config, classes: ClassList) -> list[str]:
    """Real images without a folder for each class, as far as their folders can be listed at once."""
    named = {"evaluation.reference": config.evaluation.reference}
    named |= {f"generalization.domains.{name}": spec for name, spec in config.generalization.domains.items()}
    if not all(config.methods[name].data_free for name in config.run):
        named["synthesis.real"] = str(config.synthesis.real)
    found = []
    for key, spec in named.items():
        if not Path(split_archive(spec)[0]).exists():  # drawn, or told by check_paths
            continue
        try:
            folders = class_folders(spec)
            if folders is not None:
                ImageFolder(spec, classes).labels_of(folders)
        except DataError as error:
            found.append(f"{key}: {error}")
    return found
