"""What makes a result stale, and what does not."""

from __future__ import annotations

from prism.config import load_config
from prism.config.layout import Layout
from prism.config.replicates import replicate_files

from .conftest import REPOSITORY, copied, pretend_finished, with_models

TABLES = ("accuracy", "quality", "ablation", "generalization", "cost", "claims")
GUIDANCE = "{prism: {guidance: [{energy: free, scale: %s, interval: [0.3, 0.7], decoder: tiny}]}}"


def test_a_finished_run_has_nothing_to_do_whatever_the_times_of_its_models(finished):
    (finished.path / "assets/miniature/teachers/miniature-resnet/model.safetensors").touch()
    assert finished.dry_run("all").nothing_to_do


def test_a_guidance_scale_reruns_its_method_and_the_tables(finished):
    answer = finished.dry_run("all", "--config", "methods=" + GUIDANCE % 0.9)
    assert answer.jobs["synthesize"] == 2
    assert "write_prompts" not in answer.jobs
    stages = ("Synthesis: ", "Evaluation: ", "Distillation: ", "Generalization: ")
    of_stages = {message for message in answer.messages if message.startswith(stages)}
    assert len(of_stages) == 5
    assert all("prism" in message for message in of_stages)
    assert answer.messages - of_stages == {
        *(f"Table: {name}" for name in TABLES),
        *(f"Figure: {name}" for name in ("images", "precision-recall", "energy-histograms", "learning-curves")),
        "Summary",
        "Report",
    }


TOKENS = """
experiment: smoke
run: [vanilla, ddis-cat]
synthesis: {images_per_class: 2, shards: 2}
"""


def test_how_tokens_are_learned_reruns_them_and_the_methods_that_have_them(root, tmp_path):
    (root.path / "config" / "tokens.yaml").write_text(TOKENS, encoding="utf-8")
    done = pretend_finished(root, tmp_path / "root", "config/tokens.yaml")
    assert done.dry_run("all", "--config", "tokens={batch: 3}", configfile="config/tokens.yaml").nothing_to_do
    answer = done.dry_run("all", "--config", "tokens={learning_rate: 0.1}", configfile="config/tokens.yaml")
    assert "write_prompts" not in answer.jobs
    assert (answer.jobs["learn_tokens"], answer.jobs["synthesize"]) == (1, 2)
    of_stages = {
        message for message in answer.messages if not message.startswith(("Table", "Figure", "Summary", "Report"))
    }
    assert "Tokens: strategy class-token" in of_stages and len(of_stages) == 6
    assert all("class-token" in message or "ddis-cat" in message for message in of_stages)


WITHOUT_MODELS = """
experiment: smoke
run: [vanilla, ddis-cat]
prompts: {engine: transformers}
tokens: {decoder: full}
synthesis: {images_per_class: 2, shards: 2}
"""


def test_a_method_that_needs_further_models_leaves_those_that_do_not_as_they_are(root, tmp_path):
    """PRISM's prompts are a language model's, its guidance decodes with the tiny decoder."""
    (root.path / "config" / "without.yaml").write_text(WITHOUT_MODELS, encoding="utf-8")
    done = pretend_finished(root, tmp_path / "root", "config/without.yaml")
    answer = done.dry_run("all", "--config", "run=[vanilla,ddis-cat,prism]", configfile="config/without.yaml")
    stages = ("Prompts: ", "Tokens: ", "Synthesis: ", "Evaluation: ", "Distillation: ")
    of_stages = {message for message in answer.messages if message.startswith(stages)}
    assert len(of_stages) == 5, answer.messages
    assert all("prism" in message or "diversified" in message for message in of_stages)


def test_another_number_of_epochs_spares_the_images(finished):
    jobs = finished.dry_run("all", "--config", "distillation={epochs: 2}").jobs
    assert jobs["distill"] == 3
    assert not {"write_prompts", "synthesize", "evaluate"} & jobs.keys()


def test_replicates_are_files_of_the_table_of_claims_alone(finished):
    config = load_config(finished.path / "config/smoke.yaml", root=finished.path)
    assert set(replicate_files(config, "smoke")) <= set(Layout(config).results(config.tables.tables["claims"]))
    for file in replicate_files(config, "later"):
        (finished.path / file).parent.mkdir(parents=True, exist_ok=True)
        (finished.path / file).write_text("{}", encoding="utf-8")
    answer = finished.dry_run("all", "--config", "tables={replicates: [later]}")
    assert answer.messages == {"Table: claims", "Report"}


def test_a_claim_reruns_its_table_alone(finished):
    answer = finished.dry_run("all", "--config", "claims={eda-precision: {margin: 0.2}}")
    assert answer.messages == {"Table: claims", "Report"}


def test_comments_and_keys_without_influence_rerun_nothing(finished):
    for name in ("Snakefile", "config/config.yaml", "config/smoke.yaml", "scripts/synthesis.py"):
        path = finished.path / name
        path.write_text(path.read_text(encoding="utf-8") + "\n# a comment\n", encoding="utf-8")
    larger = "jobs={synthesis: {mem_mb: 20000, runtime: 30, partition: gpu}}"
    assert finished.dry_run("all", "--config", "threads_per_job=2", "device=cpu", larger).nothing_to_do


def test_the_resolved_configuration_is_the_same_experiment(finished):
    assert finished.dry_run("all", configfile="results/smoke/config.json").nothing_to_do


def test_other_models_and_other_classes_make_stale_what_was_made_with_them(root, tmp_path):
    done = pretend_finished(root, tmp_path / "root", "config/smoke.yaml")

    def stale_after(name: str) -> set[str]:
        path = done.path / name
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        return set(done.dry_run("all").jobs) & {"write_prompts", "synthesize", "evaluate", "distill"}

    assert stale_after("assets/miniature/oracle/model.safetensors") == {"evaluate"}
    assert stale_after("assets/miniature/text-to-image/model_index.json") == {"synthesize", "evaluate", "distill"}
    classes = load_config(done.path / "config/smoke.yaml", root=done.path).classes
    assert "write_prompts" in stale_after(str(classes))


def test_a_plan_is_asked_for_alone_and_leaves_a_run_s_files_as_they_are(tmp_path):
    done = with_models(copied(tmp_path))
    resolved = done.path / "results/smoke/config.json"
    resolved.parent.mkdir(parents=True)
    resolved.write_text("of the run that is at work", encoding="utf-8")
    (done.path / "docs").symlink_to(REPOSITORY / "docs")
    planned = done.snakemake("plan", "--config", "precision=bf16")
    assert planned.status == 0 and "Throughputs:" in planned.text, planned.text
    assert resolved.read_text(encoding="utf-8") == "of the run that is at work"
    both = done.snakemake("plan", "all")
    assert both.status != 0 and "plan only tells what a run would cost; ask for it alone" in both.text
    wrong = done.snakemake("plan", "--config", "plan={hardware: nonsense}")
    assert wrong.status != 0 and "nonsense" in wrong.text
