"""A mistake in a key or a value is one clear line that names the full key and what would be right."""

import pytest

from prism.config import validate
from prism.errors import ConfigError

from .conftest import load, mistakes

CASES = {
    "table of no such name": (
        {"tables": {"tables": {"acuracy": ["distillation"]}}},
        "tables.tables.acuracy: there is none of that name; did you mean accuracy?",
    ),
    "figure of no such name": (
        {"tables": {"figures": {"imagez": ["images"]}}},
        "tables.figures.imagez: there is none of that name; did you mean images?",
    ),
    "misspelt key": (
        {"synthesis": {"imagesperclass": 3}},
        "synthesis.imagesperclass is not a key; did you mean images_per_class?",
    ),
    "key of another section": (
        {"images_per_class": 3},
        "images_per_class is not a key; did you mean synthesis.images_per_class?",
    ),
    "misspelt section": ({"sythesis": {}}, "sythesis is not a key; did you mean synthesis?"),
    "unlike any key": (
        {"students": {"a": {"architecture": "miniature-vgg", "qqq": 1}}},
        "students.a.qqq is not a key; it may be one of architecture, label",
    ),
    "value for a section": (
        {"synthesis": 3},
        "synthesis=3 should be a section with the keys images_per_class, shards, real",
    ),
    "too small": (
        {"synthesis": {"images_per_class": 0}},
        "synthesis.images_per_class=0 should be greater than or equal to 1",
    ),
    "not a number": (
        {"diffusion": {"guidance_scale": float("nan")}},
        "diffusion.guidance_scale=nan should be",
    ),
    "text for a number": (
        {"distillation": {"epochs": "many"}},
        "distillation.epochs=many should be a valid integer",
    ),
    "infinite": ({"prompts": {"temperature": float("inf")}}, "prompts.temperature=inf should be"),
    "unequal shards": (
        {"synthesis": {"images_per_class": 40, "shards": 7}},
        "synthesis.shards: 7 does not divide images_per_class=40; 35 or 42 images would do",
    ),
    "more shards than images": (
        {"synthesis": {"images_per_class": 2, "shards": 4}},
        "synthesis.shards: 4 does not divide images_per_class=2; 4 images would do",
    ),
    "unknown student": (
        {"students": {"a": {"architecture": "miniature-vgh"}}},
        "students.a.architecture: miniature-vgh is not known; did you mean miniature-vgg?",
    ),
    "no students": ({"students": {"miniature-student": None}}, "students is empty; it needs at least 1"),
    "seed twice": ({"distillation": {"seeds": [1, 1]}}, "distillation.seeds: 1 is given twice"),
    "negative seed": ({"distillation": {"seeds": [-1]}}, "distillation.seeds: -1 is negative"),
    "only warm-up": (
        {"distillation": {"epochs": 3, "warmup_epochs": 3}},
        "distillation.warmup_epochs: 3 should be smaller than epochs=3",
    ),
    "unknown domain": (
        {"generalization": {"domains": {"sketch": "world:scetch"}}},
        "generalization.domains.sketch: world:scetch is not a domain of the miniature; did you mean sketch?",
    ),
    "unknown corruption": (
        {"generalization": {"domains": {"foggy": "corruption:blurr"}}},
        "generalization.domains.foggy: corruption:blurr is not a corruption; did you mean blur?",
    ),
    "unknown severity": (
        {"generalization": {"domains": {"foggy": "corruption:blur:6"}}},
        "generalization.domains.foggy: corruption:blur:6 has no severity from 1 to 5",
    ),
    "crop backwards": (
        {"distillation": {"augment": {"crop_scale": [1, 0.5]}}},
        "distillation.augment.crop_scale: [1, 0.5] should be [smallest, largest]",
    ),
    "not an archive": (
        {"evaluation": {"reference": "a.rar!b"}},
        "evaluation.reference: a.rar is before a '!'",
    ),
    "branch for a commit": (
        {"diffusion": {"pipeline": "owner/model", "revision": "main"}},
        "diffusion.revision=main should match pattern",
    ),
    "language model missing": (
        {"prompts": {"engine": "transformers", "model": None}},
        "prompts.model: missing; engine transformers needs the model to ask",
    ),
    "server missing": (
        {"prompts": {"engine": "openai", "base_url": None}},
        "prompts.base_url: missing; engine openai needs the server's address",
    ),
    "style of other letters": (
        {"prompts": {"styles": ["sketch", "水彩"]}},
        "prompts.styles: '水彩' should be words of Latin",
    ),
    "style of nothing": ({"prompts": {"styles": [""]}}, "prompts.styles: '' should be words of Latin letters"),
    "photo as a style": ({"prompts": {"styles": ["photo"]}}, "prompts.styles: photo is not listed here"),
    "flat channel": (
        {"teacher": {"mean": [123.7, 116.3, 103.5]}},
        "teacher.mean: [123.7, 116.3, 103.5] is not of images in [0, 1]; divide it and std by 255",
    ),
    "spread of nothing": (
        {"teacher": {"std": [1, 0, 1]}},
        "teacher.std: [1.0, 0.0, 1.0] has a value that is not above 0",
    ),
    "no path": ({"teacher": {"weights": None}}, "teacher.weights=None should be a path"),
    "experiment in another folder": ({"experiment": "../x"}, "experiment=../x should be made of a-z"),
}


@pytest.mark.parametrize(("overrides", "message"), CASES.values(), ids=CASES)
def test_a_mistake_is_one_clear_line(overrides, message):
    (line,) = mistakes(**overrides)
    assert line.startswith(f"config: {message}")


def test_a_key_that_is_missing_is_described():
    config = load().dump()
    del config["classes"], config["teacher"]["weights"]
    with pytest.raises(ConfigError) as caught:
        validate(config)
    assert "config: classes is missing: Class list" in str(caught.value)
    assert "config: teacher.weights is missing: The checkpoint" in str(caught.value)


def test_all_mistakes_are_told_at_once():
    assert len(mistakes(seed=-1, device="gpu", synthesis={"shards": 0})) == 3
