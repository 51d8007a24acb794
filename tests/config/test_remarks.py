"""What is right in a configuration and yet may not be meant is told; what ships and is meant so is not."""

import pytest

from prism.config.remarks import remarks

from .conftest import ROOT, load

LARGE = {"teacher": {"size_px": 224}}
OTHER_MODEL = {"diffusion": {"pipeline": "owner/model", "revision": "a" * 40}}


def told(**overrides):
    return remarks(load(**overrides), ROOT)


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        ({"run": ["sre2l-ipc1"]}, "evaluation: sre2l-ipc1 is left out: images_per_class=1 is too few"),
        ({"run": ["sre2l"], **LARGE}, "methods.sre2l.inversion: steps and sizes are the miniature's"),
        ({"run": ["diffdfkd"], **LARGE}, "methods.diffdfkd.student.architecture: miniature-student is for 32 px"),
        ({"run": ["prism+cutmix"], "diffusion": {"steps": 50}}, "methods.prism+cutmix.cutmix.every: 5 of 50 steps"),
        ({"run": ["ddis"], **OTHER_MODEL}, "tokens: these are the miniature's, and owner/model has another table"),
        (
            {"teacher": {"architecture": "torchvision:inception_v3", "mean": [0.485, 0.456, 0.406]}},
            "teacher.mean: torchvision's own weights of torchvision:inception_v3 take images of mean and std 0.5",
        ),
    ],
)
def test_one_line_for_each(overrides, line):
    (found,) = [each for each in told(**overrides) if not each.startswith("evaluation") or "evaluation" in line]
    assert found.startswith(line)


def test_nothing_is_said_of_what_was_set_for_it():
    assert told() == []
    own = {"sre2l": {"inversion": {"iterations": 4000}}}
    assert told(run=["sre2l"], methods=own, **LARGE) == []
    assert told(run=["ddis"], tokens={"learning_rate": 1e-4}, **OTHER_MODEL) == []
    shipped = remarks(load(ROOT / "config/imagenet1k.yaml"), ROOT)
    assert len(shipped) == 3 and all(line.startswith("evaluation: ") for line in shipped)
