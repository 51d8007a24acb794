"""Which jobs a run consists of, and from which files."""

from __future__ import annotations

import csv
import io

import pytest

from .conftest import pretend_finished


@pytest.mark.parametrize("target", ["all", None])
def test_the_whole_experiment_is_the_default_and_has_every_job(root, target):
    answer = root.dry_run(*([target] if target else []))
    assert answer.status == 0, answer.text
    assert answer.jobs == {
        "write_prompts": 2,
        "synthesize": 4,
        "evaluate": 3,
        "distill": 3,
        "generalize": 3,
        "table": 5,
        "figure": 4,
        "report": 1,
        "all": 1,
    }


def test_a_table_alone_needs_only_its_own_stages(root):
    jobs = root.dry_run("results/smoke/tables/quality.csv").jobs
    assert jobs == {"write_prompts": 2, "synthesize": 4, "evaluate": 3, "table": 1}


@pytest.mark.parametrize(
    ("target", "rules"),
    [
        ("quality", {"write_prompts", "synthesize", "evaluate", "table", "quality"}),
        ("prompts", {"write_prompts", "prompts"}),
        (
            "generalization",
            {"write_prompts", "synthesize", "distill", "generalize", "table", "generalization"},
        ),
        ("zoo", {"build_zoo", "zoo"}),
    ],
)
def test_targets_have_names(root, target, rules):
    assert set(root.dry_run(target).jobs) == rules


FOLDERS = """
experiment: smoke
run: [real, vanilla, prism]
synthesis: {images_per_class: 2, shards: 2, real: real/train}
evaluation: {reference: real/test}
generalization: {domains: {sketch: real/sketches}}
"""


def test_no_real_image_reaches_prompts_or_synthesis(root, tmp_path):
    for folder in ("train", "test", "sketches"):
        (root.path / "real" / folder).mkdir(parents=True, exist_ok=True)
    (root.path / "config" / "folders.yaml").write_text(FOLDERS, encoding="utf-8")
    done = pretend_finished(root, tmp_path / "root", "config/folders.yaml")
    answer = done.snakemake("--detailed-summary", "all", configfile="config/folders.yaml")
    lines = [line for line in answer.text.splitlines() if "\t" in line]
    inputs = {
        row["output_file"]: row["input-file(s)"].split(",")
        for row in csv.DictReader(io.StringIO("\n".join(lines)), delimiter="\t")
    }

    def real_images_behind(stage: str, method: str = "") -> set[str]:
        """All real images that the stage's outputs are made from, however far back."""
        todo = [name for name in inputs if name.startswith(f"results/smoke/{stage}/{method}")]
        assert todo, answer.text
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += inputs.get(name, [])
        return {name for name in seen if name.startswith("real/")}

    assert real_images_behind("prompts") == set()
    assert real_images_behind("synthesis") == set()
    # students of the other methods are only scored on real images, by their test set
    assert real_images_behind("distillation", "prism") == {"real/test"}
    assert real_images_behind("distillation", "real") == {"real/test", "real/train"}
    assert "real/sketches" in real_images_behind("generalization", "prism")
