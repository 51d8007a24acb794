"""docs/extend.md, run as it stands: an energy and a recipe of the user's own, without a change of the library."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from .conftest import MODELS, REPOSITORY, Root, copied, pretend_finished

PAGE = (REPOSITORY / "docs" / "extend.md").read_text(encoding="utf-8")
FILES = ("config/my_energies.py", "config/margin.yaml")
MISSING = [name for name in MODELS if not (REPOSITORY / "assets/miniature" / name).is_file()]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def extended(root: Root) -> Root:
    """``root`` with the page's files, under the names that the page gives them."""
    for name, text in zip(FILES, (*blocks("python"), *blocks("yaml")), strict=True):
        assert f"`{name}`" in PAGE
        (root.path / name).write_text(text, encoding="utf-8")
    return root


def command() -> list[str]:
    """The page's command without the name of the program and the number of cores, which tests set."""
    words = shlex.split(blocks("bash")[0])
    assert words[:2] + words[3:5] == ["snakemake", "--cores", "all", "--configfile"]
    return words[3:]


def test_energy_recipe_and_command_are_under_thirty_lines():
    assert sum(len(text.splitlines()) for language in ("python", "yaml", "bash") for text in blocks(language)) < 30


@pytest.fixture(scope="module")
def mine(root, tmp_path_factory):
    """A finished run of the page's command, as far as Snakemake knows."""
    extended(root)
    return pretend_finished(root, tmp_path_factory.mktemp("mine") / "root", *command()[2:])


def test_an_edit_of_the_file_makes_the_methods_that_use_it_and_the_tables_anew(mine):
    assert mine.dry_run(*command(), configfile=None).nothing_to_do
    path = mine.path / FILES[0]
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("less f of", "minus f of"), encoding="utf-8")
    answer = mine.dry_run(*command(), configfile=None)
    path.write_text(text, encoding="utf-8")
    stages = ("Synthesis: ", "Evaluation: ", "Distillation: ", "Generalization: ")
    assert answer.jobs["synthesize"] == 2 and "write_prompts" not in answer.jobs
    assert all("margin" in message for message in answer.messages if message.startswith(stages))


def test_a_wrong_energy_is_one_line_before_any_job(mine):
    path = mine.path / FILES[0]
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(".squeeze(1)", ""), encoding="utf-8")  # (batch,) less (batch, 1) is (batch, batch)
    answer = mine.dry_run(*command(), configfile=None)
    path.write_text(text, encoding="utf-8")
    assert answer.status != 0 and not answer.jobs and "Traceback" not in answer.text
    assert answer.text.count("error: config/my_energies.py: energy margin gives shape (4, 4); it should give") == 1


def test_the_gradient_check_says_that_the_gradient_is_right(mine):
    words = shlex.split(blocks("bash")[1])
    assert words[:3] == ["PYTHONPATH=config", "python", "-c"]
    paths = f"config:{REPOSITORY / 'src'}"
    done = subprocess.run(
        [sys.executable, *words[2:]], cwd=mine.path, env={"PYTHONPATH": paths}, capture_output=True, text=True
    )
    assert float(done.stdout) < 1e-3, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=f"assets/miniature lacks {', '.join(MISSING)}")
def test_the_command_makes_the_tables_with_the_method_in_them(tmp_path):
    made = extended(copied(tmp_path))
    (made.path / "assets").mkdir()
    (made.path / "assets" / "miniature").symlink_to(REPOSITORY / "assets" / "miniature")
    answer = made.snakemake(*command(), configfile=None)
    assert answer.status == 0, answer.text
    table = (made.path / "results" / "margin" / "tables" / "accuracy.md").read_text(encoding="utf-8")
    assert "Margin" in table and "PRISM" in table
