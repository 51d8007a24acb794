"""What is left of the miniature, and what does not go together, is told before the first job."""

import re

import pytest
import yaml

from prism.config import load_config
from prism.data.checks import checked_classes
from prism.errors import ConfigError


@pytest.fixture
def mine(project_root, tmp_path, monkeypatch):
    """``mine(**changes)``: the configuration that the README shows, with a class list of its own."""
    shown = (project_root / "README.md").read_text(encoding="utf-8").partition("## Bring your own teacher")[2]
    section = yaml.safe_load(
        shown.partition("```yaml\n")[2].partition("```")[0].replace("<commit of the model>", "a" * 40)
    )
    classes = tmp_path / "mine.yaml"
    classes.write_text("- {name: kite, gloss: a bird of prey}\n- {name: seal, gloss: an animal}\n", encoding="utf-8")

    def load(**changes):
        return load_config(overrides={**section, "classes": str(classes), **changes}, root=project_root)

    return load


def test_the_teacher_of_one_s_own_that_the_readme_shows_goes_together(mine):
    config = mine()
    assert checked_classes(config).names == ("kite", "seal")
    assert config.teacher.std == (0.229, 0.224, 0.225) and list(config.students) == ["resnet18"]
    assert {config.diffusion.guidance_scale, config.diffusion.steps} == {3.0, 50}


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (
            {"evaluation": {"oracle": None}},
            ["evaluation.reference: world:in-distribution draws the miniature's classes"],
        ),
        (
            {"generalization": {"domains": {"sketch": "world:sketch"}}},
            [r"generalization.domains.sketch: world:sketch .*or null"],
        ),
        ({"evaluation": {"reference": "a.zip"}}, ["evaluation.oracle: knows the miniature's classes"]),
        (
            {"diffusion": {"pipeline": "a/b", "revision": "a" * 40}},
            ["diffusion.tiny_decoder: .* decodes no latents of a/b"],
        ),
        ({"prompts": {}}, ["prompts.model: .* knows the miniature's classes alone; name a language model, or"]),
        (
            {"evaluation": {"extractor": {"kind": "timm:resnet50"}, "oracle": None, "reference": "a.zip"}},
            ["evaluation.extractor.weights: .* is no network of kind timm:resnet50; name its own"],
        ),
        (
            {"run": ["real", "vanilla"], "synthesis": {"real": "world:in-distribution"}},
            ["synthesis.real: world:in-dist"],
        ),
    ],
    ids=["reference", "domain", "oracle", "decoder", "language model", "extractor", "real"],
)
def test_what_is_left_of_the_miniature_beside_other_classes_or_models_is_named(mine, changes, lines):
    with pytest.raises(ConfigError) as caught:
        checked_classes(mine(**changes))
    for line in lines:
        assert re.search(f"^config: {line}", str(caught.value), re.MULTILINE)


@pytest.mark.parametrize("whose", ["teacher", "teachers.miniature-vgg"])
def test_a_teacher_whose_outputs_have_another_order_is_refused(project_root, tmp_path, whose):
    listed = yaml.safe_load((project_root / "config/classes/miniature.yaml").read_text(encoding="utf-8"))
    (tmp_path / "theirs.yaml").write_text(yaml.safe_dump(listed[::-1]), encoding="utf-8")
    changed: dict = {"classes": str(tmp_path / "theirs.yaml")}
    for key in reversed(whose.split(".")):
        changed = {key: changed}
    config = load_config(overrides={"run": ["g-vbsm"], **changed}, root=project_root)
    config = config.model_copy(update={"classes": project_root / config.classes})
    with pytest.raises(
        ConfigError, match=rf"{whose}.classes: output 0 is '\w+', .*miniature.yaml has '\w+' there; list"
    ):
        checked_classes(config)


def test_a_class_that_no_prompt_may_name_is_refused_where_there_are_prompts(mine, tmp_path):
    config = mine()
    config.classes.write_text("- {name: C++, gloss: a language}\n- {name: seal, gloss: an animal}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"classes: .*mine.yaml: 'C\+\+' should be of Latin letters"):
        checked_classes(config)
    assert checked_classes(config.model_copy(update={"run": ("sre2l",)})).names == ("C++", "seal")


def test_further_teachers_of_the_miniature_are_refused_where_the_classes_are_others(mine):
    with pytest.raises(ConfigError, match="teachers.miniature-vgg: knows the miniature's classes, .* name your own"):
        checked_classes(mine(run=["g-vbsm"], teachers={}))


def test_real_images_without_a_folder_for_each_class_are_told_before_anything_runs(mine, tmp_path):
    for name in ("kite", "walrus"):
        (tmp_path / "photos" / name).mkdir(parents=True)
    measured = {"extractor": {"kind": "inception", "weights": "inception.pth"}, "oracle": None}
    config = mine(evaluation={**measured, "reference": str(tmp_path / "photos")})
    with pytest.raises(
        ConfigError, match="evaluation.reference: .*no folder 'seal' for a class; there are kite, walrus"
    ):
        checked_classes(config)
    (tmp_path / "photos" / "seal").mkdir()
    checked_classes(config)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="evaluation.reference: .*holds no class folders"):
        checked_classes(mine(evaluation={**measured, "reference": str(tmp_path / "empty")}))
