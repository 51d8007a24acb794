"""Which architectures keep batch statistics, and that methods which need them are refused without."""

import re
from pathlib import Path

import pytest

from prism.config import load_config
from prism.config.names import ARCHITECTURES, WITHOUT_BATCHNORM
from prism.errors import ConfigError, ModelError
from prism.models import classifiers
from prism.models.architectures import check_architectures, check_batchnorm, keeps_batch_statistics

ROOT = Path(__file__).parents[2]
MIXER = {"architecture": "miniature-mixer"}
WRONG = {
    "of a guided method": (
        {"teacher": MIXER, "run": ["vanilla", "ddis-dag"]},
        "methods.ddis-dag needs BatchNorm, but teacher.architecture=miniature-mixer has none; take the method",
    ),
    "of an inversion": (
        {"teacher": MIXER, "run": ["sre2l"]},
        "methods.sre2l needs BatchNorm, but teacher.architecture=miniature-mixer has none",
    ),
    "a further one": (
        {"teachers": {"miniature-vgg": MIXER}, "run": ["g-vbsm"]},
        "methods.g-vbsm needs BatchNorm, but teachers.miniature-vgg.architecture=miniature-mixer has none",
    ),
    "a library's": (
        {"teacher": {"architecture": "timm:vit_tiny_patch16_224"}, "run": ["ddis-dag"]},
        "methods.ddis-dag needs BatchNorm, but teacher.architecture=timm:vit_tiny_patch16_224 has none",
    ),
}
RIGHT = {
    "with BatchNorm": {"run": ["ddis-dag", "sre2l", "g-vbsm"]},
    "a library's with BatchNorm": {"teacher": {"architecture": "timm:resnet18"}, "run": ["ddis-dag"]},
    "methods that need none": {"teacher": MIXER, "run": ["vanilla", "plug-in-inversion"]},
    "a further one that is not asked": {"teachers": {"miniature-vgg": MIXER}, "run": ["sre2l"]},
}


def load(overrides):
    return load_config(overrides=overrides, root=ROOT)


@pytest.mark.parametrize(("overrides", "message"), WRONG.values(), ids=WRONG)
def test_a_method_that_reads_batchnorm_is_refused_with_a_teacher_without(overrides, message):
    with pytest.raises(ConfigError) as caught:
        check_batchnorm(load(overrides))
    assert str(caught.value).startswith(f"config: {message}") and "\n" not in str(caught.value)


@pytest.mark.parametrize("overrides", RIGHT.values(), ids=RIGHT)
def test_all_others_are_let_through(overrides):
    check_batchnorm(load(overrides))


def test_only_the_methods_named_are_looked_at():
    config = load({"teacher": MIXER, "run": ["vanilla", "ddis-dag"]})
    check_batchnorm(config, ["vanilla"])
    check_batchnorm(config, [])
    with pytest.raises(ConfigError, match="methods.ddis-dag"):
        check_batchnorm(config, ["ddis-dag"])


def test_architectures_without_batchnorm_are_listed():
    for name in ARCHITECTURES:
        network = classifiers.build(name, 2, 32, seed=0)
        assert keeps_batch_statistics(name) == classifiers.has_batchnorm(network) == (name not in WITHOUT_BATCHNORM)
    assert keeps_batch_statistics("torchvision:resnet18") and not keeps_batch_statistics("torchvision:vit_b_16")


def test_an_unknown_architecture_is_told():
    with pytest.raises(ModelError, match="timm:resnet18"):
        keeps_batch_statistics("timm:resnet18x")


@pytest.mark.parametrize(
    ("key", "changes"),
    {
        "methods.adaptive-deepinversion.inversion.adaptive.student": {
            "run": ["deepinversion", "adaptive-deepinversion"],
            "methods": {"adaptive-deepinversion": {"inversion": {"adaptive": {"student": "timm:resnet18x"}}}},
        },
        "methods.diffdfkd.student.architecture": {
            "run": ["diffdfkd"],
            "methods": {"diffdfkd": {"student": {"architecture": "timm:resnet18x"}}},
        },
        "methods.sre2l-ipc10.relabel.teachers[0].architecture": {
            "run": ["sre2l-ipc10"],
            "methods": {
                "sre2l-ipc10": {
                    "relabel": {"teachers": [{"architecture": "timm:resnet18x", "weights": "w.safetensors"}]}
                }
            },
        },
        "evaluation.extractor.kind": {"evaluation": {"extractor": {"kind": "timm:resnet18x"}}},
    }.items(),
)
def test_a_misspelled_network_is_told_wherever_it_stands(key, changes):
    config = load_config(overrides=changes, root=ROOT)
    with pytest.raises(ConfigError, match=re.escape(f"config: {key}: unknown architecture 'timm:resnet18x'")):
        check_architectures(config)
