"""A wrong configuration: one clear line, before any job."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ("sed=1", ["sed", "seed"]),
        ("run=[prsm]", ["prsm", "prism"]),
        ("methods={prism: {guidance: [{energy: fre}]}}", ["fre", "free"]),
        ("teacher={weights: nowhere.safetensors}", ["teacher.weights", "nowhere.safetensors"]),
    ],
)
def test_one_line_names_the_mistake(root, mistake, words):
    answer = root.dry_run("all", "--config", mistake)
    assert answer.status != 0
    errors = [line for line in answer.text.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert all(word in errors[0] for word in words)
    assert "Traceback" not in answer.text
    assert not answer.jobs


def test_a_dry_run_writes_no_result(root):
    root.dry_run("all")
    assert not (root.path / "results").exists()
