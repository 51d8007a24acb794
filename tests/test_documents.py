"""Documents meant ill: endless brackets and aliases of aliases are one line, in no time and little memory."""

from __future__ import annotations

import time

import pytest
import yaml

from prism.artifacts import read_json
from prism.config import load_config, validate_snakemake_config
from prism.data.classes import load_classes
from prism.data.members import parse_record
from prism.data.prompts import read_prompts
from prism.documents import check_aliases, parse_json
from prism.errors import ConfigError, DataError, PrismError, PromptError, ShardError

BRACKETS = "[" * 200_000


def laughs(lines: int = 9) -> str:
    """Ten lines that stand for 10 ** lines values."""
    names = "abcdefghi"[:lines]
    text = f"a: &a [{', '.join(['x'] * 10)}]\n"
    for before, name in zip(names, names[1:], strict=False):
        text += f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    return text


@pytest.fixture(autouse=True)
def _in_no_time():
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 30  # written out, the aliases below take minutes and gigabytes


def one_line(error: pytest.ExceptionInfo, *words: str) -> None:
    message = str(error.value)
    assert "\n" not in message and len(message) < 500 and all(word in message for word in words)


def test_json_of_endless_brackets(tmp_path):
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(BRACKETS)
    (tmp_path / "a.json").write_text(BRACKETS)
    with pytest.raises(DataError) as error:
        read_json(tmp_path / "a.json")
    one_line(error, "a.json", "nested too deeply")
    with pytest.raises(ShardError) as error:
        parse_record(tmp_path / "shard.tar", "0000-000000", BRACKETS.encode())
    one_line(error, "shard.tar!0000-000000.json", "nested too deeply")
    (tmp_path / "prompts.jsonl").write_text(BRACKETS)
    with pytest.raises(PromptError) as error:
        read_prompts(tmp_path / "prompts.jsonl", ["crane"], 1)
    one_line(error, "prompts.jsonl: line 1")


@pytest.mark.parametrize(("load", "kind"), [(load_config, ConfigError), (load_classes, DataError)])
def test_yaml_of_endless_brackets(tmp_path, load, kind):
    (tmp_path / "a.yaml").write_text(f"run: {'[' * 5000}{']' * 5000}\n")
    with pytest.raises(kind) as error:
        load(tmp_path / "a.yaml")
    one_line(error, "a.yaml", "nested too deeply")


@pytest.mark.parametrize(("load", "kind"), [(load_config, ConfigError), (load_classes, DataError)])
def test_aliases_of_aliases(tmp_path, load, kind):
    (tmp_path / "a.yaml").write_text(laughs() + "run: *i\n")
    with pytest.raises(kind) as error:
        load(tmp_path / "a.yaml")
    one_line(error, "a.yaml", "aliases stand for more than 1,000,000 values")


def test_aliases_that_snakemake_has_read(project_root, monkeypatch):
    monkeypatch.chdir(project_root)
    with pytest.raises(PrismError) as error:
        validate_snakemake_config(yaml.safe_load(laughs()))
    one_line(error, "aliases stand for more than 1,000,000 values")


def test_what_holds_itself():
    held = yaml.safe_load("&a [1, *a]")
    with pytest.raises(ValueError, match="aliases"):
        check_aliases(held)


def test_honest_aliases_pass():
    check_aliases(yaml.safe_load(laughs(4)))
    assert parse_json('{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}
