"""Inversions in the graph: what each is made from, and that no real image is among it unless its label says so."""

from __future__ import annotations

import csv
import io

import pytest

from .conftest import pretend_finished, with_real_folders

DATA_FREE = ("deepinversion", "adaptive-deepinversion", "plug-in-inversion", "sre2l", "g-vbsm", "prism-dd")
LABELLED = ("g-vbsm-real-statistics", "prism-dd-real-init")
SEVERAL = ("g-vbsm", "prism-dd", *LABELLED)
FOLDERS = f"""
experiment: inverted
run: [{", ".join((*DATA_FREE, *LABELLED))}]
synthesis: {{images_per_class: 2, shards: 2, real: real/train}}
evaluation: {{reference: real/test}}
generalization: {{domains: {{sketch: real/sketches}}}}
"""


@pytest.fixture(scope="module")
def behind(root, tmp_path_factory):
    """All files that a method's shards are made from, however far back, by method."""
    with_real_folders(root)
    (root.path / "config" / "inverted.yaml").write_text(FOLDERS, encoding="utf-8")
    done = pretend_finished(root, tmp_path_factory.mktemp("inverted") / "root", "config/inverted.yaml")
    answer = done.snakemake("--detailed-summary", "all", configfile="config/inverted.yaml")
    lines = [line for line in answer.text.splitlines() if "\t" in line]
    inputs = {
        row["output_file"]: row["input-file(s)"].split(",")
        for row in csv.DictReader(io.StringIO("\n".join(lines)), delimiter="\t")
    }

    def all_behind(method: str) -> set[str]:
        todo = [name for name in inputs if name.startswith(f"results/inverted/synthesis/{method}/")]
        assert len(todo) == 4, answer.text
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += inputs.get(name, [])
        return seen

    return {method: all_behind(method) for method in (*DATA_FREE, *LABELLED)}


def test_no_real_image_is_behind_a_method_but_those_labelled_so(behind):
    real = {method: {name for name in files if name.startswith("real/")} for method, files in behind.items()}
    assert {method for method, found in real.items() if found} == set(LABELLED)
    assert all(real[method] == {"real/train"} for method in LABELLED), "of the training images, never of a test set"


def test_no_method_waits_for_prompts_or_the_text_to_image_model(behind):
    for files in behind.values():
        assert not any("prompts" in name or "text-to-image" in name for name in files)


def test_further_teachers_are_inputs_of_the_methods_that_ask_them(behind):
    for method, files in behind.items():
        found = {name.split("/")[-2] for name in files if "assets/miniature/teachers" in name}
        wanted = {"miniature-resnet"} | ({"miniature-vgg", "miniature-mobilenet"} if method in SEVERAL else set())
        assert found == wanted, method


def test_the_competitor_comes_from_the_images_of_deepinversion(behind):
    files = behind["adaptive-deepinversion"]
    assert "results/inverted/inversion/adaptive-deepinversion/student.safetensors" in files
    assert {f"results/inverted/synthesis/deepinversion/shard-000{shard}.tar" for shard in (0, 1)} <= files
    assert not any("/student" in name for method in DATA_FREE if "adaptive" not in method for name in behind[method])


def test_a_batch_too_small_and_a_teacher_without_batchnorm_are_refused_before_any_job(root):
    (root.path / "config" / "inverted.yaml").write_text(FOLDERS, encoding="utf-8")
    few = root.dry_run("all", "--config", "run=[sre2l]", "methods={sre2l: {inversion: {classes_per_batch: 2}}}")
    assert few.status != 0 and "a batch has only 4 images, but batch statistics need 8" in few.text
    transformer = "teacher={architecture: 'torchvision:vit_b_16'}"
    none = root.dry_run("all", "--config", "run=[sre2l]", transformer)
    assert none.status != 0 and "needs BatchNorm, but teacher.architecture=torchvision:vit_b_16 has none" in none.text
    assert "Traceback" not in few.text + none.text and not few.jobs and not none.jobs
