"""Damaged results are found by their manifests, named, and removed so that they alone are made again."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from prism.artifacts import write_json, write_manifest, write_text
from prism.artifacts.damage import damaged


@pytest.fixture
def results(tmp_path):
    """Two finished outputs with manifests, numbers without one, and unfinished work."""
    folder = tmp_path / "results" / "miniature"
    for name in ("a", "b"):
        write_text(folder / "prompts" / f"{name}.jsonl", f"{name}\n")
        write_manifest(
            folder / "prompts" / f"{name}.json",
            stage="prompts",
            recipe={},
            outputs=[folder / "prompts" / f"{name}.jsonl"],
            count=1,
        )
    write_json(folder / "metrics.json", {"prism": 1})
    write_text(folder / ".progress" / "half.json", "{")
    return folder


def flip(path, position=0):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def test_whole_results_are_not_damaged(results):
    assert list(damaged(results)) == []


def test_a_flipped_bit_is_found_and_its_manifest_goes_with_it(results):
    flip(results / "prompts" / "a.jsonl")
    (found,) = damaged(results)
    assert "a.jsonl: its sha256 is not the one in" in found.reason
    found.remove()
    assert sorted(path.name for path in (results / "prompts").iterdir()) == ["b.json", "b.jsonl"]
    assert list(damaged(results)) == []


def test_a_missing_output_and_json_that_is_none_are_found(results):
    (results / "prompts" / "a.jsonl").unlink()
    flip(results / "metrics.json")
    first, second = damaged(results)
    assert "metrics.json" in first.reason and first.files == (results / "metrics.json",)
    assert "a.jsonl: is missing" in second.reason


@pytest.mark.parametrize("name", ["../../secret.txt", "/etc/passwd"])
def test_a_manifest_that_leads_out_of_its_folder_removes_nothing_there(results, name):
    secret = results.parent / "secret.txt"
    secret.write_text("keep me")
    manifest = results / "prompts" / "a.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(content | {"outputs": {name: "0" * 64}}))
    (found,) = damaged(results)
    found.remove()
    assert secret.exists() and not manifest.exists() and (results / "prompts" / "a.jsonl").exists()


def test_the_program_names_what_is_damaged_and_removes_it_when_told_to(results, project_root):
    command = [sys.executable, str(project_root / "scripts/verify.py"), "--config", "config/config.yaml"]

    def run(*more):
        config = project_root / "config"
        link = results.parents[1] / "config"
        if not link.exists():
            link.symlink_to(config)
        return subprocess.run([*command, *more], cwd=results.parents[1], capture_output=True, text=True, check=False)

    assert run().stdout == "results/miniature: nothing is damaged\n"
    flip(results / "prompts" / "a.jsonl")
    told = run()
    assert told.returncode == 2 and "a.jsonl: its sha256" in told.stdout
    assert told.stderr == (
        "error: results/miniature: 1 damaged; with --remove they are deleted, and the next run makes them again\n"
    )
    told = run("--remove")
    assert told.returncode == 0 and "(removed)" in told.stdout and "1 were damaged" in told.stdout
    assert run().returncode == 0
