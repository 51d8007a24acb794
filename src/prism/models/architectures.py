"""What can be told of an architecture by its name. Needs torch only for names of other libraries."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from prism.config import Config, TeacherConfig
from prism.config.names import ARCHITECTURES, WITHOUT_BATCHNORM
from prism.errors import ConfigError, ModelError


def check_architectures(config: Config) -> None:
    """Refuse networks that nothing has the name of, and what :func:`check_batchnorm` refuses.

    Raises:
        ConfigError: naming the key, with the nearest name that there is.
    """
    for key, architecture in _named(config).items():
        if architecture not in ARCHITECTURES:
            from prism.models.classifiers import check_architecture  # late, as below

            try:
                check_architecture(architecture)
            except ModelError as error:
                raise ConfigError(f"config: {key}: {error}") from None
    check_batchnorm(config)


def _named(config: Config) -> dict[str, str]:
    """The networks that a run builds, by the key that names each."""
    found = {"teacher.architecture": config.teacher.architecture}
    found |= {f"teachers.{name}.architecture": teacher.architecture for name, teacher in config.teachers.items()}
    found |= {f"students.{name}.architecture": student.architecture for name, student in config.students.items()}
    for name in config.run:
        method, key = config.methods[name], f"methods.{name}"
        if method.student is not None:
            found[f"{key}.student.architecture"] = method.student.architecture
        if method.inversion is not None and method.inversion.adaptive is not None:
            found[f"{key}.inversion.adaptive.student"] = method.inversion.adaptive.student
        for place, teacher in enumerate(method.relabel.teachers if method.relabel else ()):
            found[f"{key}.relabel.teachers[{place}].architecture"] = teacher.architecture
    extractor = config.evaluation.extractor
    if extractor.architecture is not None:
        found["evaluation.extractor.architecture"] = extractor.architecture
    if ":" in extractor.kind:
        found["evaluation.extractor.kind"] = extractor.kind
    return found


def check_batchnorm(config: Config, methods: Iterable[str] | None = None) -> None:
    """Refuse methods that read BatchNorm statistics if a teacher of theirs has none, before anything is loaded.

    Args:
        config: the configuration.
        methods: names of methods to look at; those of ``run`` if None.

    Raises:
        ConfigError: a method needs BatchNorm and one of its teachers has none; the message has method and teacher.
        ModelError: a teacher's architecture is unknown.
    """
    for name in config.run if methods is None else methods:
        for key, teacher in _teachers_of(config, name) if config.methods[name].needs_batchnorm else ():
            if not keeps_batch_statistics(teacher.architecture):
                raise ConfigError(
                    f"config: methods.{name} needs BatchNorm, but {key}.architecture={teacher.architecture} has none; "
                    "take the method from run or choose a teacher with BatchNorm"
                )


def _teachers_of(config: Config, method: str) -> list[tuple[str, TeacherConfig]]:
    """The teachers that a method asks: (key, section)."""
    further = config.teachers if config.methods[method].uses_teachers else {}
    return [("teacher", config.teacher), *((f"teachers.{name}", teacher) for name, teacher in further.items())]


@cache
def keeps_batch_statistics(architecture: str) -> bool:
    """Whether a network of that name has BatchNorm layers with running statistics.

    Those of timm and torchvision are built without memory for their weights, and asked.

    Raises:
        ModelError: nothing has that name.
    """
    if architecture in ARCHITECTURES:
        return architecture not in WITHOUT_BATCHNORM
    import torch  # late: it takes seconds, and most configurations name networks of this project

    from prism.models.classifiers import build, has_batchnorm

    with torch.device("meta"):
        return has_batchnorm(build(architecture, 2))
