"""The section ``zoo``, and which files it and the experiment ask for."""

import pytest

from prism.config import ZooConfig, check_paths
from prism.errors import ConfigError

from .conftest import ROOT, load

PHOTOGRAPHS = {"kind": "photographs", "images": ["p.zip!train"], "classes": "p.json"}


def test_the_default_is_the_miniature_as_it_was_shipped():
    from prism.miniature.zoo import schedules

    assert load().zoo == ZooConfig() and ZooConfig().kind == "miniature"
    assert schedules.of_prior(ZooConfig())["text_to_image"] == schedules.TEXT_TO_IMAGE
    asked = schedules.of_prior(ZooConfig(steps={"tiny": 7}, seed=3))
    assert asked["tiny"].steps == 7 and asked["tiny"].seed == 3
    assert asked["decoder"].steps == schedules.DECODER.steps


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"kind": "photographs"}, "zoo.images: missing"),
        ({**PHOTOGRAPHS, "classes": None}, "zoo.classes: missing"),
        ({**PHOTOGRAPHS, "images": ["world:sketch"]}, r"zoo.images\[0\]: world:sketch is drawn"),
        ({"images": ["p.zip"]}, "zoo.images: given, but kind miniature"),
        ({"size_px": 64}, "zoo.size_px: 64, but the miniature"),
        ({"kind": "photos"}, "did you mean photographs"),
    ],
)
def test_a_wrong_section_is_one_line(section, message):
    with pytest.raises(ConfigError, match=message):
        load(zoo=section)


@pytest.mark.parametrize("spec", ["real.zip!test", "real.zip!test/cat", "real.zip"])
def test_the_zoo_never_learns_from_the_images_that_stand_for_the_lost_ones(spec):
    with pytest.raises(ConfigError, match=r"zoo.images\[0\]: real.zip.* holds images of evaluation.reference"):
        load(zoo={**PHOTOGRAPHS, "images": [spec]}, evaluation={"reference": "real.zip!test"})
    load(zoo={**PHOTOGRAPHS, "images": ["real.zip!train"]}, evaluation={"reference": "real.zip!test"})


def test_the_zoo_asks_for_its_photographs_alone_and_the_experiment_for_the_zoo(tmp_path):
    config = load(ROOT / "config/cifar10.yaml")
    with pytest.raises(ConfigError) as caught:
        check_paths(config, tmp_path, zoo=True)
    assert str(caught.value).splitlines() == [
        "config: zoo.images: there is no data/tinyimagenet64/tinyimagenet64.zip",
        "config: zoo.classes: there is no data/meta/tinyimagenet200_classes.json",
    ]
    # The folder is there before its last file is.
    (tmp_path / "results/zoo/cifar10/text-to-image").mkdir(parents=True)
    with pytest.raises(ConfigError) as caught:
        check_paths(config, tmp_path)
    lines = str(caught.value).splitlines()
    hint = "there is no finished results/zoo/cifar10/text-to-image; run the target zoo first"
    assert f"config: diffusion.pipeline: {hint}" in lines and not any("config: zoo" in line for line in lines)
    (tmp_path / "results/zoo/cifar10/manifest.json").touch()
    with pytest.raises(ConfigError) as caught:
        check_paths(config, tmp_path)
    assert "diffusion.pipeline" not in str(caught.value)


def test_the_miniature_s_zoo_asks_for_nothing(tmp_path):
    check_paths(load(), tmp_path, zoo=True)


def test_the_teacher_does_not_measure_the_images_that_it_steered():
    teacher = str(load().teacher.weights)
    extractor = {"kind": "classifier", "weights": teacher}
    with pytest.raises(ConfigError, match="evaluation.extractor.weights: .* is the teacher"):
        load(evaluation={"extractor": extractor})
    with pytest.raises(ConfigError, match="evaluation.extractor.weights: missing; kind classifier"):
        load(evaluation={"extractor": {"kind": "classifier", "weights": None}})
