"""A wrong configuration: clear lines, before any job."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("mistakes", "words"),
    [
        (
            ["sed=1", "run=[prsm]", "methods={prism: {guidance: [{energy: fre}]}}"],
            [["sed", "seed"], ["energy: fre", "free"]],
        ),
        (["run=[prsm]"], [["prsm", "prism"]]),  # told once every key has the right name and type
        (
            ["teacher={weights: nowhere.safetensors}"],
            [["teacher.weights", "nowhere.safetensors"]],
        ),
        (
            ["students={wide: {architecture: 'timm:resnet1888'}}"],
            [["students.wide.architecture", "timm:resnet1888", "did you mean"]],
        ),
        (["tables={replicates: [later]}"], [["tables.replicates[0]", "results/later/", "run the target evaluation"]]),
    ],
    ids=["keys and values", "names", "files", "networks", "replicates"],
)
def test_one_line_names_each_mistake(root, mistakes, words):
    answer = root.snakemake("all", "--config", *mistakes)
    assert answer.status != 0
    assert answer.text.count("error: ") == 1
    told = [line for line in answer.text.splitlines() if "config: " in line]
    assert len(told) == len(words)
    for wanted in words:
        assert any(all(word in line for word in wanted) for line in told)
    assert "Traceback" not in answer.text
    assert not answer.jobs


def test_a_key_given_twice_is_refused_though_snakemake_takes_the_last(root):
    (root.path / "config" / "twice.yaml").write_text("run: [prism]\nseed: 1\nrun: [vanilla]\n", encoding="utf-8")
    answer = root.dry_run("all", configfile="config/twice.yaml")
    assert answer.status != 0 and "config/twice.yaml, line 3: key run is given twice" in answer.text


def test_a_dry_run_names_missing_files_and_plans_as_if_they_were_there(root, whole):
    answer = root.dry_run("all", "--config", "teacher={weights: nowhere.safetensors}")
    assert answer.status == 0
    assert "config: teacher.weights: there is no nowhere.safetensors" in answer.text
    assert answer.jobs == whole.jobs


def test_a_folder_is_unlocked_whatever_files_are_missing(root):
    answer = root.snakemake("--unlock", "--config", "teacher={weights: nowhere.safetensors}")
    assert answer.status == 0
    assert "Unlocked working directory" in answer.text
