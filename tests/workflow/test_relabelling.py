"""Stored soft labels in the graph: from shards and teachers alone, to the students of their method alone."""

from __future__ import annotations

import pytest

from .conftest import pretend_finished

CLASSES = "config/classes/miniature.yaml"
OTHER = "assets/miniature/teachers/miniature-vgg/model.safetensors"
METHODS = f"""
experiment: smoke
synthesis: {{images_per_class: 4, shards: 4}}
methods:
  labelled-ipc1:
    prompts: class-name
    images_per_class: 1
    relabel: {{teachers: [{{architecture: miniature-vgg, weights: {OTHER}}}]}}
  labelled-ipc2: {{prompts: class-name, images_per_class: 2, relabel: {{}}}}
  vanilla-ipc1: {{prompts: class-name, images_per_class: 1}}
run: [vanilla, labelled-ipc1, labelled-ipc2, vanilla-ipc1]
"""
FILE = "config/distilled.yaml"


@pytest.fixture(scope="module")
def distilled(root, tmp_path_factory):
    """A finished run, as far as Snakemake knows, and what a dry run said before."""
    (root.path / OTHER).parent.mkdir(parents=True, exist_ok=True)
    (root.path / OTHER).touch()
    (root.path / FILE).write_text(METHODS, encoding="utf-8")
    before = root.dry_run("all", "--config", "experiment=another", configfile=FILE)
    return pretend_finished(root, tmp_path_factory.mktemp("distilled") / "root", FILE), before


def test_small_methods_have_fewer_shards_labels_where_they_say_so_and_no_metrics_of_two_images(distilled):
    _, before = distilled
    assert before.status == 0, before.text
    assert before.jobs["synthesize"] == 4 + 1 + 2 + 1
    assert before.jobs["relabel"] == 2 and before.jobs["distill"] == 4
    # of at least two classes, one image each is two, which have no three neighbours
    assert before.jobs["evaluate"] == 2
    left_out = "is left out: images_per_class=1 is too few for evaluation.k=3"
    assert before.text.count(f"evaluation: labelled-ipc1 {left_out}") == 1
    assert f"evaluation: vanilla-ipc1 {left_out}" in before.text


def test_labels_are_made_of_shards_and_teachers_alone_and_reach_their_own_students_alone(distilled):
    done, _ = distilled
    answer = done.snakemake("--detailed-summary", "all", configfile=FILE)
    rows = [line.split("\t") for line in answer.text.splitlines() if "\t" in line]
    column = rows[0].index("input-file(s)")
    inputs = {row[0]: set(row[column].split(",")) for row in rows[1:]}
    folder = "results/smoke"
    teacher = "assets/miniature/teachers/miniature-resnet/model.safetensors"
    shard = f"{folder}/synthesis/labelled-ipc1/shard-0000.tar"
    assert inputs[f"{folder}/relabelling/labelled-ipc1.safetensors"] == {shard, teacher, OTHER}
    student = "miniature-student/seed-0/student.safetensors"
    labels = f"{folder}/relabelling/labelled-ipc1.safetensors"
    assert inputs[f"{folder}/distillation/labelled-ipc1/{student}"] == {shard, teacher, labels, CLASSES}
    assert not any("relabelling" in name for name in inputs[f"{folder}/distillation/vanilla/{student}"])


def test_another_view_relabels_and_trains_its_method_and_writes_the_tables_anew(distilled):
    done, _ = distilled
    answer = done.dry_run("all", "--config", "methods={labelled-ipc2: {relabel: {cutmix: 0.5}}}", configfile=FILE)
    stages = ("Prompts: ", "Synthesis: ", "Evaluation: ", "Relabelling: ", "Distillation: ", "Generalization: ")
    assert {message for message in answer.messages if message.startswith(stages)} == {
        "Relabelling: labelled-ipc2",
        "Distillation: miniature-student on labelled-ipc2, seed 0",
        "Generalization: students of labelled-ipc2",
    }
    assert "Table: dataset-distillation" in answer.messages


def test_another_temperature_trains_its_method_and_labels_nothing(distilled):
    done, _ = distilled
    changed = "methods={labelled-ipc2: {relabel: {training: {temperature: 4.0}}}}"
    jobs = done.dry_run("all", "--config", changed, configfile=FILE).jobs
    assert jobs["distill"] == 1 and not {"relabel", "synthesize", "evaluate", "write_prompts"} & jobs.keys()
