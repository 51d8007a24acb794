"""Read configuration files, put overlays over the default, and check the whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from prism.config.messages import config_error
from prism.config.model import Config
from prism.documents import check_aliases, parse_json
from prism.errors import ConfigError

DEFAULT = Path("config/config.yaml")


def load_config(*paths: Path | str, overrides: dict[str, Any] | None = None, root: Path | str = ".") -> Config:
    """Read a configuration.

    YAML files are overlays: they are merged in order over ``config/config.yaml``. A first file that ends in
    ``.json`` is a resolved configuration, as the workflow writes it, and stands alone. Mappings are merged
    key by key, lists and values replaced; a student, method, strategy or domain set to null is removed.

    Args:
        paths: the files; none for the default alone.
        overrides: merged last.
        root: the folder that holds ``config/config.yaml`` and that a relative ``methods_file`` starts from.

    Raises:
        ConfigError: a file cannot be read, or the result is wrong; one line for each mistake.
    """
    root = Path(root)
    resolved = bool(paths) and Path(paths[0]).suffix == ".json"
    merged: dict[str, Any] = {} if resolved else read_mapping(root / DEFAULT)
    for path in paths:
        if resolved or Path(path).resolve() != (root / DEFAULT).resolve():
            merged = merge(merged, read_mapping(Path(path)))
    merged = merge(merged, _with_nulls(overrides or {}))
    return validate(merged) if resolved else validate(with_files(merged, root))


def validate_snakemake_config(
    config: dict[str, Any], root: Path | str = ".", files: Iterable[Path | str] = ()
) -> Config:
    """Check the configuration that Snakemake has put together from its files and command line.

    Args:
        config: Snakemake's ``config``; what it lacks comes from ``config/config.yaml``.
        root: the repository, where relative paths of ``methods_file`` and ``tables_file`` start.
        files: those that Snakemake has read, which takes the last of a key given twice.

    Raises:
        ConfigError: one line for each mistake.
    """
    root = Path(root)
    for file in files:
        read_mapping(Path(file))
    try:
        check_aliases(config)
    except ValueError as error:
        raise ConfigError(f"config: {error}") from None
    return validate(with_files(merge(read_mapping(root / DEFAULT), _with_nulls(config)), root))


def validate(config: dict[str, Any]) -> Config:
    """``Config.model_validate`` with clear messages.

    Raises:
        ConfigError: one line for each mistake.
    """
    try:
        return Config.model_validate(config)
    except ValidationError as error:
        raise config_error(error, Config) from None


def merge(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """``overlay`` over ``base``: mappings key by key, everything else replaced. Neither is changed."""
    merged = dict(base)
    for key, value in overlay.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def with_files(config: dict[str, Any], root: Path) -> dict[str, Any]:
    """The configuration with the methods, tables and claims of its files beneath its own."""
    filled = dict(config)
    if isinstance(config.get("methods_file"), str):
        methods = read_mapping(root / config["methods_file"], key="methods_file")
        filled["methods"] = merge(methods, _mapping(config.get("methods"), "methods"))
    if isinstance(config.get("tables_file"), str):
        tables = read_mapping(root / config["tables_file"], key="tables_file")
        filled["tables"] = merge(tables, _mapping(config.get("tables"), "tables"))
    if isinstance(config.get("claims_file"), str):
        claims = read_mapping(root / config["claims_file"], key="claims_file")
        filled["claims"] = merge(claims, _mapping(config.get("claims"), "claims"))
    return filled


def read_mapping(path: Path, key: str | None = None) -> dict[str, Any]:
    """A YAML or JSON file whose top level is a mapping; an empty file is an empty one.

    Raises:
        ConfigError: no such file, not YAML, a key given twice, or no mapping; the file and line are named.
    """
    name = f"config: {key}: {path}" if key else f"config: {path}"
    try:
        text = path.read_text(encoding="utf-8")
        content = parse_json(text) if path.suffix == ".json" else _safe_yaml(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{name}{where}: {error.problem or 'not YAML'}") from None
    except ValueError as error:
        raise ConfigError(f"{name} is not JSON: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{name} is not YAML: {str(error).splitlines()[0]}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{name} should hold keys and values, not a {type(content).__name__}")
    return content


def _mapping(value: Any, key: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise ConfigError(f"config: {key} should be a section of named entries, not {value!r}")
    return value or {}


def _with_nulls(config: dict[str, Any]) -> dict[str, Any]:
    """``config`` with None for the texts ``null``: of a mapping on its command line Snakemake makes texts alone."""
    return {
        key: _with_nulls(value) if isinstance(value, dict) else None if value == "null" else value
        for key, value in config.items()
    }


def _safe_yaml(text: str) -> Any:
    """The one document of a YAML text: plain values, lists and mappings; no tag makes an object."""
    loader = _UniqueKeys(text)
    try:
        content = loader.get_single_data()
    except RecursionError:
        raise yaml.YAMLError("its brackets are nested too deeply") from None
    finally:
        loader.dispose()
    try:
        check_aliases(content)
    except ValueError as error:
        raise yaml.YAMLError(str(error)) from None
    return content


class _UniqueKeys(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Safe YAML in which a key that is given twice is an error, not a silent choice of the last."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        # Here, and once: a merge by << puts the keys of another mapping beside a node's own, which may repeat them,
        # and a mapping that is merged elsewhere may be flattened before it is built.
        if not getattr(node, "is_flat", False):
            seen: set[Any] = set()
            for key_node, _ in node.value:
                if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
                    if key_node.value in seen:
                        raise yaml.constructor.ConstructorError(
                            None, None, f"key {key_node.value} is given twice", key_node.start_mark
                        )
                    seen.add(key_node.value)
            super().flatten_mapping(node)
            node.is_flat = True
