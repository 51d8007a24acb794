"""The programs, run by hand: a wrong name is one line, before any model library is loaded."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

REST = {
    "synthesis": ["--method", "prism", "--shard", "0"],
    "evaluation": ["--method", "prism"],
    "relabelling": ["--method", "prism"],
    "distillation": ["--method", "prism", "--student", "miniature-student", "--seed", "0"],
    "pruning": ["--method", "prism", "--sparsity", "0.5", "--seed", "0"],
    "prompts": ["--strategy", "senses"],
    "tokens": ["--strategy", "class-token", "--prompts", "none.jsonl"],
}


@pytest.mark.parametrize(
    ("program", "wrong", "nearest"),
    [
        ("synthesis", {"prism": "prizm"}, "--method: prizm is not in the configuration; did you mean prism?"),
        ("evaluation", {"prism": "prizm"}, "--method: prizm is not in the configuration; did you mean prism?"),
        ("relabelling", {"prism": "prizm"}, "--method: prizm is not in the configuration; did you mean prism?"),
        (
            "distillation",
            {"miniature-student": "miniature-studen"},
            "--student: miniature-studen is not in the configuration; did you mean miniature-student?",
        ),
        ("pruning", {"prism": "prizm"}, "--method: prizm is not in the configuration; did you mean prism?"),
        ("prompts", {"senses": "sense"}, "--strategy: sense is not in the configuration; did you mean senses?"),
        (
            "tokens",
            {"class-token": "class-tokens"},
            "--strategy: class-tokens is not in the configuration; did you mean class-token?",
        ),
    ],
)
def test_a_name_that_is_not_in_the_configuration_is_one_line(project_root, tmp_path, program, wrong, nearest):
    arguments = [wrong.get(word, word) for word in REST[program]]
    done = subprocess.run(
        [sys.executable, f"scripts/{program}.py", "--config", "config/smoke.yaml", *arguments]
        + ["--output", str(tmp_path / "output")],
        cwd=project_root,
        env=os.environ | {"PYTHONPATH": str(project_root / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: {nearest}\n")
    assert not list(tmp_path.iterdir())
