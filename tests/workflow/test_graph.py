"""Which jobs a run consists of, and from which files."""

from __future__ import annotations

import pytest

from .conftest import pretend_finished, with_real_folders


def test_the_whole_experiment_is_the_default_and_has_every_job(whole):
    assert whole.status == 0, whole.text
    assert whole.jobs == {
        "write_prompts": 2,
        "synthesize": 4,
        "evaluate": 3,
        "distill": 3,
        "generalize": 3,
        "table": 6,
        "figure": 4,
        "summary": 1,
        "report": 1,
        "all": 1,
    }


def test_a_dry_run_writes_no_result(root, whole):
    assert not (root.path / "results").exists()


def test_no_command_lists_files_of_which_there_may_be_thousands(root):
    commands = root.dry_run("all", "--printshellcmds").text
    lines = [line for line in commands.splitlines() if "python scripts/" in line]
    assert len(lines) == 27  # each job but the target itself
    assert not [line for line in lines if "scripts/synthesis.py" not in line and "shard-" in line]


@pytest.mark.parametrize(
    ("targets", "jobs"),
    [
        # a table alone, by its path or its name, needs only its own stages
        (
            ("results/smoke/tables/quality.csv", "quality"),
            {"write_prompts": 2, "synthesize": 4, "evaluate": 3, "table": 1, "quality": 1},
        ),
        (("prompts", "zoo"), {"write_prompts": 2, "prompts": 1, "build_zoo": 1, "zoo": 1}),
        (
            ("generalization",),
            {
                "write_prompts": 2,
                "synthesize": 4,
                "distill": 3,
                "generalize": 3,
                "table": 1,
                "generalization": 1,
            },
        ),
    ],
    ids=["table", "stage", "later table"],
)
def test_targets_have_names_and_need_only_their_own_stages(root, targets, jobs):
    assert root.dry_run(*targets).jobs == jobs


FOLDERS = """
experiment: smoke
run: [real, vanilla, prism, ddis-cat, distilled]
synthesis: {images_per_class: 2, shards: 2, real: real/train}
methods:
  distilled:
    prompts: class-name
    images_per_class: 1
    relabel: {teachers: [{architecture: miniature-student, weights: assets/miniature/oracle/model.safetensors}]}
evaluation: {reference: real/test}
generalization: {domains: {sketch: real/sketches}}
pruning: {sparsities: [0.5], methods: [real, prism], seeds: [0, 1]}
"""


def test_no_real_image_reaches_prompts_or_synthesis(root, tmp_path):
    with_real_folders(root)
    (root.path / "config" / "folders.yaml").write_text(FOLDERS, encoding="utf-8")
    done = pretend_finished(root, tmp_path / "root", "config/folders.yaml")
    inputs = done.inputs(configfile="config/folders.yaml")

    def real_images_behind(stage: str, method: str = "") -> set[str]:
        """All real images that the stage's outputs are made from, however far back."""
        todo = [name for name in inputs if name.startswith(f"results/smoke/{stage}/{method}")]
        assert todo
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += inputs.get(name, [])
        return {name for name in seen if name.startswith("real/")}

    assert real_images_behind("prompts") == set()
    assert real_images_behind("tokens") == set()
    assert real_images_behind("synthesis") == set()
    assert real_images_behind("relabelling", "distilled") == set()
    assert real_images_behind("distillation", "distilled") == {"real/test"}
    # learned tokens come from the teacher and the prompts, and into the images of their own methods alone
    learned = "results/smoke/tokens/class-token.safetensors"
    prompts = "results/smoke/prompts/class-token.jsonl"
    models = {
        "teachers/miniature-resnet/model.safetensors",
        "text-to-image/model_index.json",
    }  # not the tiny decoder: these are learned through the full one
    assert set(inputs[learned]) == {prompts, *(f"assets/miniature/{model}" for model in models)}
    for shard in ("0000", "0001"):
        assert {learned, prompts} <= set(inputs[f"results/smoke/synthesis/ddis-cat/shard-{shard}.tar"])
        assert learned not in inputs[f"results/smoke/synthesis/vanilla/shard-{shard}.tar"]
    # students of the other methods are only scored on real images, by their test set
    assert real_images_behind("distillation", "prism") == {"real/test"}
    assert real_images_behind("distillation", "real") == {"real/test", "real/train"}
    assert "real/sketches" in real_images_behind("generalization", "prism")
    # a pruned teacher, too, is healed on the method's images and scored on the test set
    assert real_images_behind("pruning", "prism") == {"real/test"}
    assert real_images_behind("pruning", "real") == {"real/test", "real/train"}
    assert {name for name in inputs if name.startswith("results/smoke/pruning/") and name.endswith("metrics.json")} == {
        f"results/smoke/pruning/{method}/sparsity-0.5/seed-{seed}/metrics.json"
        for method in ("real", "prism")
        for seed in (0, 1)
    }
    assert {"results/smoke/tables/pruning.csv", "results/smoke/figures/pruning-curve.png"} <= inputs.keys()
