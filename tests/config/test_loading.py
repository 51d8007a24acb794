"""Files and overlays become one checked configuration."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from prism.config import check_paths, load_config, validate, validate_snakemake_config
from prism.config.load import merge, read_mapping
from prism.config.paths import named_paths
from prism.config.schema import schema_text
from prism.errors import ConfigError

from .conftest import ROOT, load

EXPERIMENTS = sorted(
    path for path in (ROOT / "config").glob("*.yaml") if path.name not in ("methods.yaml", "tables.yaml", "claims.yaml")
)


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_shipped_experiment_is_valid(path):
    config = load(path)
    assert set(config.run) <= set(config.methods)
    # but for searches, which choose among recipes, and for data sets of few images
    if not path.stem.endswith("-search") and path.stem != "dataset-distillation":
        assert {"real", "vanilla", "prism"} <= set(config.run)


def test_the_json_schema_is_in_step_with_the_models():
    assert (ROOT / "config/schema.json").read_text(encoding="utf-8") == schema_text(), (
        "run python -m prism.config.schema"
    )


def test_every_field_is_described():
    schema = json.loads(schema_text())
    for name, section in {"Config": schema, **schema["$defs"]}.items():
        for key, field in section["properties"].items():
            assert field.get("description"), f"{name}.{key}"


def test_the_schema_accepts_every_shipped_file():
    jsonschema = pytest.importorskip("jsonschema")
    for path in EXPERIMENTS:
        jsonschema.validate(read_mapping(path), json.loads(schema_text()))


def test_overlays_merge_mappings_and_replace_lists():
    merged = merge({"a": {"x": 1, "y": [1, 2]}, "b": 1}, {"a": {"y": [3]}, "c": None})
    assert merged == {"a": {"x": 1, "y": [3]}, "b": 1, "c": None}


def test_merging_changes_neither_side():
    base, overlay = {"a": {"x": 1}}, {"a": {"x": 2}}
    merge(base, overlay)
    assert (base, overlay) == ({"a": {"x": 1}}, {"a": {"x": 2}})


def test_null_removes_an_entry_of_the_default():
    config = load(
        students={"miniature-student": None, "other": {"architecture": "miniature-vgg"}},
        generalization={"domains": {"sketch": None}},
        methods={"prism-free": None},
    )
    assert list(config.students) == ["other"]
    assert "sketch" not in config.generalization.domains
    assert "prism-free" not in config.methods


def test_null_of_snakemakes_command_line_is_null():
    from snakemake.cli import parse_config

    text = ["generalization={domains: {sketch: null}, per_class: 5}", "methods={prism-free: null}"]
    config = validate_snakemake_config(parse_config(text), ROOT)
    assert "sketch" not in config.generalization.domains
    assert config.generalization.per_class == 5
    assert "prism-free" not in config.methods


def test_inline_methods_lie_over_those_of_the_file():
    config = load(methods={"mine": {"prompts": "senses"}, "vanilla": {"label": "Plain"}}, run=["mine"])
    assert config.methods["mine"].prompts == "senses"
    assert config.methods["vanilla"].label == "Plain"
    assert config.methods["vanilla"].prompts == "class-name"


def test_a_resolved_configuration_reads_back_equal_and_stands_alone(tmp_path):
    config = load(ROOT / "config/cifar10.yaml")
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config.dump()), encoding="utf-8")
    assert load_config(path, root=tmp_path) == config
    assert "miniature-student" not in load_config(path, root=tmp_path).students


def test_null_on_the_command_line_is_none_over_a_resolved_configuration_too(tmp_path):
    config = load(ROOT / "config/miniature-full.yaml")
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config.dump()), encoding="utf-8")
    assert config.pruning is not None
    assert load_config(path, overrides={"pruning": "null"}, root=tmp_path).pruning is None


def test_snakemake_s_merged_configuration_gives_the_same_as_our_own_loading():
    merged = merge(read_mapping(ROOT / "config/config.yaml"), read_mapping(ROOT / "config/cifar10.yaml"))
    alone = read_mapping(ROOT / "config/cifar10.yaml")
    expected = load(ROOT / "config/cifar10.yaml")
    assert validate_snakemake_config(merged, ROOT) == expected
    assert validate_snakemake_config(alone, ROOT) == expected


def test_data_root_is_filled_in_everywhere():
    config = load(ROOT / "config/cifar10.yaml", data_root="/scratch/data/")
    assert config.teacher.weights == Path("/scratch/data/weights/cifar10_resnet56.safetensors")
    assert config.synthesis.real == "/scratch/data/cifar10/cifar10_jpg.zip!cifar10/train"
    assert "{data_root}" not in json.dumps(config.dump())


def test_missing_files_are_named_with_their_key_and_hub_ids_are_not_looked_for(tmp_path):
    config = load(
        teacher={"weights": "gone/teacher.safetensors"},
        diffusion={"pipeline": "owner/model", "revision": "a" * 40},
        evaluation={"reference": "gone/test.zip!test"},
    )
    with pytest.raises(ConfigError) as caught:
        check_paths(config, tmp_path)
    lines = str(caught.value).splitlines()
    assert "config: teacher.weights: there is no gone/teacher.safetensors" in lines
    assert "config: evaluation.reference: there is no gone/test.zip" in lines
    assert not any("diffusion.pipeline" in line or "world:" in line for line in lines)


def test_files_that_no_method_uses_are_not_asked_for(tmp_path):
    config = load(run=["vanilla"], synthesis={"real": "gone.zip"})
    with pytest.raises(ConfigError) as caught:
        check_paths(config, tmp_path)
    for key in ("synthesis.real", "diffusion.tiny_decoder", "prompts.model"):
        assert key not in str(caught.value)


def test_the_language_model_is_asked_for_where_contents_are_written():
    missing = {"prompts": {"model": "./gone/language-model"}}
    assert "prompts.model" not in dict(named_paths(load(run=["vanilla+senses"], **missing)))
    assert "prompts.model" in dict(named_paths(load(run=["vanilla+contents"], **missing)))


def test_classes_of_further_teachers_are_asked_for_where_these_are_used():
    others = {"teachers": {"miniature-vgg": {"classes": "gone.yaml"}}}
    assert "teachers.miniature-vgg.classes" in dict(named_paths(load(run=["g-vbsm"], **others)))
    assert "teachers.miniature-vgg.classes" not in dict(named_paths(load(run=["sre2l"], **others)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nseed: 2\n", "line 2: key seed is given twice"),
        ("seed: [1\n", "line 2"),
        ("- 1\n", "should hold keys and values, not a list"),
        ("a: !!python/object/apply:os.getcwd []\n", "line 1"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, text, message):
    path = tmp_path / "broken.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="broken.yaml") as caught:
        load(path)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_one_line():
    with pytest.raises(ConfigError, match="nowhere.yaml cannot be read: No such file"):
        load("nowhere.yaml")


def test_the_configuration_does_not_change_after_loading():
    with pytest.raises(ValueError, match="frozen"):
        load().synthesis.images_per_class = 3


def test_numbers_written_as_yaml_strings_are_read():
    assert load(distillation={"learning_rate": "1e-3"}).distillation.learning_rate == 1e-3  # YAML 1.1 leaves it text


def test_importing_the_configuration_does_not_import_torch():
    code = "import sys, prism.config; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT / "src")}).returncode == 0


def test_validating_a_plain_dictionary_works():
    assert validate(load().dump()) == load()
