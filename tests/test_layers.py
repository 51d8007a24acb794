"""The house's floors: imports go only downward, and the lowest floors know nothing of the rest."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from prism.config import load as config_load

STAGES = (
    "prompts",
    "tokens",
    "inversion",
    "synthesis",
    "evaluation",
    "relabelling",
    "distillation",
    "generalization",
    "pruning",
    "tables",
)
FLOORS = [  # from the ground up; a module may import its own package and every floor below
    {"errors", "seeds", "guidance", "locks", "events", "documents"},
    {"memory", "progress"},
    {"artifacts", "config", "devices"},
    {"leases", "takeover", "cluster"},
    {"data"},
    {"models"},
    {*STAGES, "miniature", "planning"},
    {"cli"},
]
SAFE_YAML_LOADERS = {"_UniqueKeys": config_load._UniqueKeys}
HEIGHT = {name: height for height, floor in enumerate(FLOORS) for name in floor}


def imported_packages(path: Path) -> set[str]:
    """First names below ``prism`` that a module imports as it is loaded."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "prism":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("prism.")}
    return found & set(HEIGHT)


def modules(root: Path) -> list[Path]:
    return sorted((root / "src" / "prism").rglob("*.py"))


def test_every_import_goes_down(project_root):
    wrong = []
    for path in modules(project_root):
        own = path.relative_to(project_root / "src" / "prism").parts[0].removesuffix(".py")
        for other in imported_packages(path) - {own}:
            if own in HEIGHT and HEIGHT[other] >= HEIGHT[own]:
                wrong.append(f"{path.relative_to(project_root)} imports prism.{other}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", ["print", "eval", "exec"])
def test_library_never_calls(project_root, module):
    wrong = [
        f"{path.relative_to(project_root)}:{node.lineno}"
        for path in modules(project_root)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == module
    ]
    assert not wrong, "\n".join(wrong)


def test_own_yaml_loaders_build_plain_data_only():
    for loader in SAFE_YAML_LOADERS.values():
        assert issubclass(loader, (yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def test_nothing_is_ever_unpickled_or_unpacked(project_root):
    wrong = []
    for path in modules(project_root):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called, options = ast.unparse(node.func), {option.arg: option.value for option in node.keywords}
            safe = ast.unparse(options["weights_only"]) == "True" if "weights_only" in options else False
            unsafe = called in (
                "pickle.load",
                "pickle.loads",
                "torch.hub.load",
                "yaml.unsafe_load",
            )
            unsafe |= called == "torch.load" and not safe
            unsafe |= called == "yaml.load" and ast.unparse(node.args[-1]) not in SAFE_YAML_LOADERS
            unsafe |= called.endswith((".extractall", ".unpack_archive"))
            unsafe |= "trust_remote_code" in options and ast.unparse(options["trust_remote_code"]) != "False"
            if unsafe:
                wrong.append(f"{path.relative_to(project_root)}:{node.lineno}: {called}")
    assert not wrong, "\n".join(wrong)
