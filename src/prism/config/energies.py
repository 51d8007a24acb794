"""Energies by name: the library's, or one of the user's own as ``my_energies.py:margin``, a file and a name in it.

Here the file is read and never run, so that a configuration can be checked without torch and by anyone: what an
energy reads is told by the file's last lines, ``ENERGIES = {"margin": Energy(margin)}``. It is run where images are
made (``prism.synthesis.energies``). Only a file of this machine that the configuration names is ever run.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import AfterValidator, WithJsonSchema

from prism.config.base import problems
from prism.config.names import BATCHNORM_ENERGIES, ENERGIES, STUDENT_ENERGIES, hint

if TYPE_CHECKING:
    from prism.config.methods import GuidanceTerm
    from prism.config.model import Config

REGISTRY = "ENERGIES"
_OWN = "one of your own is written <file>.py:<name>"
_FLAGS = ("statistics", "student")
_EXAMPLE = f'{REGISTRY} = {{"<name>": Energy(<function>)}}'


class EnergyFacts(NamedTuple):
    """What has to be known of an energy before it is run.

    ``statistics`` and ``student`` as in ``prism.guidance.Energy``; ``sha256`` is that of the user's own file, None for
    the library's energies.
    """

    statistics: bool
    student: bool
    sha256: str | None = None


def split_energy(energy: str) -> tuple[Path, str] | None:
    """File and name of an energy of the user's own; None for a plain name."""
    path, _, name = energy.rpartition(":")
    return (Path(path), name) if path.endswith(".py") else None


def energy_facts(energy: str) -> EnergyFacts:
    """The facts of an energy that a configuration names.

    Raises:
        ValueError: no such energy or file, or a file that does not say what its energies are; one line.
    """
    own = split_energy(energy)
    if own is None:
        if energy not in ENERGIES:
            told = hint(energy, ENERGIES)
            raise ValueError(f"{energy} is not an energy; {told if told.endswith('?') else f'{told}; {_OWN}'}")
        return EnergyFacts(energy in BATCHNORM_ENERGIES, energy in STUDENT_ENERGIES)
    path, name = own
    source = read_source(path)
    found = _registered(path, source)
    if name not in found:
        raise ValueError(f"{path} has no energy {name}; {hint(name, found)}")
    return EnergyFacts(**found[name], sha256=hashlib.sha256(source).hexdigest())


def read_source(path: Path) -> bytes:
    """The bytes of a user's file.

    Raises:
        ValueError: there is none, or it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"there is no {path}; its path starts at the folder that the workflow runs in") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None


def own_energies(config: Config) -> Iterator[tuple[str, GuidanceTerm]]:
    """The terms of methods that are run whose energy is the user's own: (key, term)."""
    for name in config.run:
        for place, term in enumerate(config.methods[name].guidance):
            if term.facts.sha256 is not None:
                yield f"methods.{name}.guidance[{place}].energy", term


def _registered(path: Path, source: bytes) -> dict[str, dict[str, bool]]:
    """The flags of each energy that a file registers, by name."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ValueError(f"{path}, line {error.lineno}: {error.msg}") from None
    except ValueError as error:  # of bytes that are no text
        raise ValueError(f"{path} is not Python: {error}") from None
    registries = [node.value for node in tree.body if REGISTRY in map(ast.unparse, _targets(node))]
    if not registries:
        raise ValueError(f"{path} has no {REGISTRY}; it should end with {_EXAMPLE}")
    if not isinstance(registries[-1], ast.Dict):
        raise ValueError(f"{path}, line {registries[-1].lineno}: should be written out, as {_EXAMPLE}")
    entries = zip(registries[-1].keys, registries[-1].values, strict=True)
    return dict(_entry(path, key, value) for key, value in entries)


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) and node.value is not None else []


def _entry(path: Path, key: ast.expr | None, value: ast.expr) -> tuple[str, dict[str, bool]]:
    """Name and flags of one entry of the registry."""
    where = f"{path}, line {value.lineno}"
    if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
        raise ValueError(f"{where}: a name in {REGISTRY} should be written in quotes, as {_EXAMPLE}")
    if not (isinstance(value, ast.Call) and ast.unparse(value.func).split(".")[-1] == "Energy"):
        raise ValueError(f"{where}: {key.value} should be written as {_EXAMPLE}")
    flags = dict.fromkeys(_FLAGS, False)
    for keyword in value.keywords:
        if keyword.arg in flags and not (
            isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, bool)
        ):
            raise ValueError(f"{where}: {keyword.arg} of {key.value} should be written as True or False")
        if keyword.arg in flags:
            flags[keyword.arg] = keyword.value.value
    return key.value, flags


def _known(energy: str) -> str:
    try:
        energy_facts(energy)
    except ValueError as error:
        raise problems(("", str(error))) from None
    return energy


EnergyName = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema({"anyOf": [{"enum": list(ENERGIES)}, {"type": "string", "pattern": r"\.py:.+$"}]}),
]
