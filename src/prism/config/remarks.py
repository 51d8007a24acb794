"""What is right in a configuration and yet may not be meant: told before a run, which goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from prism.config.load import DEFAULT, read_mapping
from prism.config.methods import MethodConfig
from prism.config.names import OWN_TRANSFORM
from prism.config.tokens import TokensConfig
from prism.errors import ConfigError

if TYPE_CHECKING:
    from prism.config.model import Config

_MINIATURE = Path("assets/miniature")
_SMALL_PX = 64  # up to here the sizes of the miniature, 32 px, are near enough
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_CUTMIX_SHARE = 5  # DiffDFKD mixes each fifth of the sampling


def remarks(config: Config, root: Path | str = ".") -> list[str]:
    """One line for each method that is left out of the evaluation, and for what is still as the miniature has it.

    Args:
        config: the configuration.
        root: the folder of ``config/config.yaml``, from which ``methods_file`` starts.
    """
    found = [
        f"evaluation: {name} is left out: images_per_class={config.images_per_class(name)} is too few for "
        f"evaluation.k={config.evaluation.k}"
        for name in config.run
        if not config.evaluated(name)
    ]
    root = Path(root)
    if config.teacher.size_px > _SMALL_PX:
        found += _of_small_images(config, root)
    for name in config.run:
        cutmix, steps = config.methods[name].cutmix, config.diffusion.steps
        if cutmix is not None and cutmix.every != (fifth := max(1, round(steps / _CUTMIX_SHARE))):
            found.append(
                f"methods.{name}.cutmix.every: {cutmix.every} of {steps} steps; each fifth of the sampling is {fifth}"
            )
    for key, teacher in {"teacher": config.teacher, **config.further_teachers}.items():
        if teacher.architecture in OWN_TRANSFORM and teacher.mean == _IMAGENET_MEAN:
            where = key if teacher is config.teacher else f"teachers.{key}"
            what = f"torchvision's own weights of {teacher.architecture} take images of mean and std 0.5"
            found.append(f"{where}.mean: {what}")
    learned = [name for name in config.run if config.learns_token(name)]
    foreign = not is_of_the_miniature(config.diffusion.pipeline)
    if learned and foreign and config.tokens == _shipped_tokens(root):
        found.append(
            f"tokens: these are the miniature's, and {config.diffusion.pipeline} has another table of embeddings, in "
            f"which {', '.join(learned)} learn; config/imagenet1k.yaml has those for Stable Diffusion"
        )
    return found


def _of_small_images(config: Config, root: Path) -> list[str]:
    """Settings for 32 px in methods whose teacher sees larger images."""
    shipped, size_px = _shipped_methods(root), config.teacher.size_px
    found = []
    for name in config.run:
        method = config.methods[name]
        if method.inversion is not None and name in shipped and method.inversion == shipped[name].inversion:
            found.append(
                f"methods.{name}.inversion: steps and sizes are the miniature's, of 32 px, and the teacher sees "
                f"{size_px}; config/imagenet1k.yaml has those published for 224"
            )
        adaptive = method.inversion.adaptive if method.inversion is not None else None
        for key, architecture in (
            ("student.architecture", method.student.architecture if method.student else ""),
            ("inversion.adaptive.student", adaptive.student if adaptive else ""),
        ):
            if architecture.startswith("miniature-"):
                found.append(f"methods.{name}.{key}: {architecture} is for 32 px, and the teacher sees {size_px}")
    return found


def _shipped_tokens(root: Path) -> TokensConfig | None:
    """The section ``tokens`` of the default configuration; None if it cannot be read, as beside a resolved one."""
    try:
        return TokensConfig(**read_mapping(root / DEFAULT).get("tokens", {}))
    except (ConfigError, ValidationError):
        return None


def _shipped_methods(root: Path) -> dict[str, MethodConfig]:
    """The methods of the default configuration, likewise."""
    try:
        given = read_mapping(root / str(read_mapping(root / DEFAULT).get("methods_file")))
        return {name: MethodConfig.model_validate(method) for name, method in given.items()}
    except (ConfigError, ValidationError):
        return {}


def is_of_the_miniature(path: Path | str | None) -> bool:
    """Whether a model is one of those that the miniature brings."""
    return path is not None and Path(path).is_relative_to(_MINIATURE)
