"""Energies of the user's own: the file that a configuration names is run here, and what it gives is checked.

A file is run from the very bytes whose hash stands in the recipe, so that no images are made by code that the manifest
does not name. It is code of the user's own, as the command that starts the workflow is; none is fetched from anywhere.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import torch
from torch import Tensor

from prism.config import Config, GuidanceTerm
from prism.config.energies import REGISTRY, EnergyFacts, own_energies, read_source, split_energy
from prism.errors import ConfigError
from prism.guidance import ENERGIES, Answers, Energy, Term
from prism.guidance.trial import trial_answers

_TRIED = 4  # images of the trial
_NO_GRADIENT = "does not depend on the answers, so that it has no gradient to guide by"


def energies_of(terms: Iterable[GuidanceTerm]) -> dict[str, Energy]:
    """The library's energies by name, and those of the user's own that the terms name.

    Raises:
        ConfigError: a file of the user's own fails, has changed since the configuration was read, or names no energy.
    """
    own = {term.energy: _loaded(term.energy, term.facts) for term in terms if term.facts.sha256 is not None}
    return {**ENERGIES, **own}


def check_energies(config: Config, classes: int) -> None:
    """Try each energy of the user's own that is run on made-up answers, before any time is spent.

    Args:
        config: the configuration.
        classes: number of the teacher's classes.

    Raises:
        ConfigError: naming the file and what would be right.
    """
    for key, term in own_energies(config):
        energy = energies_of([term])[term.energy]
        values = torch.randn(_TRIED, classes, generator=torch.Generator().manual_seed(0)).requires_grad_()
        asked = Term(**term.model_dump())
        total = energy.of(trial_answers(energy, asked, values), asked).sum()
        try:
            (gradient,) = torch.autograd.grad(total, values, allow_unused=True)
        except RuntimeError as error:  # as of what was changed in place
            raise ConfigError(f"config: {key}: {term.energy} has no gradient: {_told(error)}") from error
        if gradient is None:
            raise ConfigError(f"config: {key}: {term.energy} {_NO_GRADIENT}")
        if not gradient.isfinite().all():
            raise ConfigError(f"config: {key}: {term.energy} has a gradient that is not finite on ordinary logits")


def _loaded(energy: str, facts: EnergyFacts) -> Energy:
    path, name = split_energy(energy)
    found = getattr(_run(path, facts.sha256), REGISTRY)[name]
    if not isinstance(found, Energy) or not callable(found.of):
        raise ConfigError(f"{path}: {name} should be Energy(<function>) of prism.guidance, and is {found!r}")
    if (found.statistics, found.student) != (facts.statistics, facts.student):
        raise ConfigError(f"{path}: flags of {name} should be written by name, as Energy(<function>, statistics=True)")
    return replace(found, of=_checked(found, path, name))


class _Loader(SourceFileLoader):
    """Runs these bytes, and neither reads nor leaves a compiled copy of the file."""

    def __init__(self, name: str, path: str, source: bytes) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._source, self.path)


def _run(path: Path, sha256: str) -> ModuleType:
    """The module of a file, run once for each content."""
    name = f"prism_own_{path.stem}_{sha256[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    try:
        source = read_source(path)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if hashlib.sha256(source).hexdigest() != sha256:
        raise ConfigError(f"{path} has changed since the configuration was read; start again")
    loader = _Loader(name, str(path), source)
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location(name, path, loader=loader))
    sys.modules[name] = module  # as an import would: dataclasses look for their module there
    try:
        loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, (Exception, SystemExit)):
            raise ConfigError(f"{_place(path, error)}: {_told(error)}") from error
        raise
    return module


def _checked(energy: Energy, path: Path, name: str) -> Callable[[Answers, Term], Tensor]:
    """The energy's function, whose answer is looked at each time: shapes that broadcast would else go unnoticed."""

    def asked(answers: Answers, term: Term) -> Tensor:
        try:
            value = energy.of(answers, term)
        except Exception as error:
            told = f"energy {name}: {_told(error)}{_undeclared(energy, error)}"
            raise ConfigError(f"{_place(path, error)}: {told}") from error
        wrong = _wrong(value, len(answers.logits))
        if wrong:
            raise ConfigError(f"{path}: energy {name} {wrong}")
        return value

    return asked


def _wrong(value: object, images: int) -> str | None:
    """What is wrong with an energy of so many images, and what would be right."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        kind = f"a tensor of {value.dtype}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
        return f"should give a tensor of floats, and gives {kind}"
    if value.shape != (images,):
        return f"gives shape {tuple(value.shape)}; it should give one number for each image, ({images},)"
    if torch.is_grad_enabled() and not value.requires_grad:
        return _NO_GRADIENT
    return None


def _undeclared(energy: Energy, error: Exception) -> str:
    """A hint where an energy seems to read what it has not said that it reads, and so was not given."""
    if isinstance(error, KeyError) and not energy.statistics:
        return "; if it reads statistics, write Energy(<function>, statistics=True)"
    if "NoneType" in str(error) and not energy.student:
        return "; if it reads the student's logits, write Energy(<function>, student=True)"
    return ""


def _place(path: Path, error: BaseException) -> str:
    """File and line in it where an error arose."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}, line {lines[-1]}" if lines else str(path)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
