"""Each mistake is one line that names the full key and what would be right."""

from pathlib import Path

import pytest

from prism.config import check_batchnorm, check_sample_sizes, load_config
from prism.errors import ConfigError

ROOT = Path(__file__).parents[2]


def mistakes(**overrides):
    with pytest.raises(ConfigError) as caught:
        load_config(overrides=overrides, root=ROOT)
    return str(caught.value).splitlines()


def term(**fields):
    return {"methods": {"prism": {"guidance": [{"energy": "free", **fields}]}}}


CASES = {
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
        "synthesis=3 should be a section with the keys images_per_class, shards, batch, real",
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
    "unknown energy": (
        term(energy="fre"),
        "methods.prism.guidance[0].energy: fre is not an energy; did you mean free?",
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
    "misspelt choice": (
        term(through="clear"),
        "methods.prism.guidance[0].through=clear is not one of clean, noisy, raw; did you mean clean?",
    ),
    "negative scale": (
        term(scale=-1),
        "methods.prism.guidance[0].scale=-1 should be greater than or equal to 0",
    ),
    "interval backwards": (
        term(interval=[0.7, 0.3]),
        "methods.prism.guidance[0].interval: [0.7, 0.3] should be [start, stop] with 0 <= start < stop <= 1",
    ),
    "interval too long": (term(interval=[0, 1.1]), "methods.prism.guidance[0].interval: [0, 1.1] should be"),
    "interval of one": (term(interval=[0.5]), "methods.prism.guidance[0].interval[1] is missing"),
    "zero temperature": (
        term(temperature=0),
        "methods.prism.guidance[0].temperature=0 should be greater than 0",
    ),
    "every zeroth step": (term(every=0), "methods.prism.guidance[0].every=0 should be"),
    "statistics of another energy": (
        term(statistics="batch"),
        "methods.prism.guidance[0].statistics: not used by energy free; leave it out",
    ),
    "teacher without BatchNorm": (
        {"teacher": {"architecture": "miniature-mixer"}, "run": ["vanilla", "ddis-dag"]},
        "methods.ddis-dag: needs BatchNorm, but teacher.architecture=miniature-mixer has none; take the method",
    ),
    "batch too small for its statistics": (
        {
            "methods": {
                "dag": {"prompts": "class-name", "guidance": [{"energy": "batch-norm", "statistics": "batch"}]}
            },
            "diffusion": {"batch": 15},
            "run": ["dag"],
        },
        "diffusion.batch: 15 is too small for methods.dag.guidance[0].statistics=batch, which needs at least 16",
    ),
    "adversarial without a student": (
        {"methods": {"adv": {"prompts": "class-name", "guidance": [{"energy": "adversarial"}]}}},
        "methods.adv.student: missing; energy adversarial needs an interleaved student",
    ),
    "student without use": (
        {"methods": {"vanilla": {"student": {"architecture": "miniature-student"}}}},
        "methods.vanilla.student: not used without energy adversarial; leave it out",
    ),
    "student that comes too late": (
        {"methods": {"diffdfkd": {"student": {"start": 20}}}, "run": ["diffdfkd"]},
        "methods.diffdfkd.student.start: 20 images per class are never passed, a shard has 20",
    ),
    "student that only warms up": (
        {"methods": {"diffdfkd": {"student": {"epochs": 5}}}},
        "methods.diffdfkd.student.warmup_epochs: 5 should be smaller than epochs=5",
    ),
    "selection beside a student": (
        {"methods": {"diffdfkd": {"select": {"draw": 2}}}},
        "methods.diffdfkd.select: cannot be combined with an interleaved student",
    ),
    "fewer candidates than images": (
        {"methods": {"prism+select": {"select": {"draw": 0.5}}}},
        "methods.prism+select.select.draw=0.5 should be greater than or equal to 1",
    ),
    "cutmix that never comes": (
        {"diffusion": {"steps": 6}, "run": ["prism+cutmix"]},
        "methods.prism+cutmix.cutmix.every: 5 steps never come before the last of diffusion.steps=6",
    ),
    "cutmix under a multistep scheduler": (
        {"diffusion": {"scheduler": "dpm-solver++"}, "run": ["prism+cutmix"]},
        "diffusion.scheduler: dpm-solver++ steps by earlier predictions, which methods.prism+cutmix.cutmix",
    ),
    "cutmix of one": (
        {"diffusion": {"batch": 1}, "run": ["prism+cutmix-any"]},
        "diffusion.batch: 1 leaves methods.prism+cutmix-any.cutmix no partner",
    ),
    "cutmix without a second image of the class": (
        {"synthesis": {"images_per_class": 2, "shards": 2}, "evaluation": {"k": 1}, "run": ["prism+cutmix"]},
        "methods.prism+cutmix.cutmix.partners: same-class needs 2 images of a class at a time, and there is 1",
    ),
    "real with cutmix": (
        {"methods": {"real": {"cutmix": {"every": 2}}}},
        "methods.real.cutmix: not used by engine real; leave it out",
    ),
    "senses of no name": (
        {"strategies": {"class-agnostic": {"senses": True}}},
        "strategies.class-agnostic.senses: not used by prompts without a name; leave it out",
    ),
    "no tiny decoder": (
        {"diffusion": {"tiny_decoder": None}, "run": ["prism"]},
        "methods.prism.guidance[0].decoder: tiny, but diffusion.tiny_decoder is not set",
    ),
    "unknown method": ({"run": ["real", "prizm"]}, "run[1]: prizm is not a method; did you mean prism?"),
    "method twice": ({"run": ["real", "real"]}, "run: real is given twice"),
    "nothing to run": ({"run": []}, "run is empty; it needs at least 1"),
    "method without a slug": (
        {"methods": {"My Method": {"prompts": "class-name"}}},
        "methods.My Method=My Method should be made of a-z, 0-9, + . _ -, a letter or digit first",
    ),
    "unknown strategy": (
        {"methods": {"prism": {"prompts": "diversfied"}}},
        "methods.prism.prompts: diversfied is not a strategy; did you mean diversified?",
    ),
    "no strategy": (
        {"methods": {"mine": {"label": "Mine"}}},
        "methods.mine.prompts: missing; engine diffusion needs",
    ),
    "real with prompts": (
        {"methods": {"real": {"prompts": "class-name"}}},
        "methods.real.prompts: not used by engine real; leave it out",
    ),
    "real without images": (
        {"synthesis": {"real": None}},
        "synthesis.real: missing; method real of engine real",
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
    "too many neighbours": (
        {"evaluation": {"k": 80}},
        "evaluation.k: 80 is too many neighbours among 80 images; 79 is the most",
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
    "hub model without commit": (
        {"diffusion": {"pipeline": "owner/model"}},
        "diffusion.revision: missing; owner/model is a hub id: pin its commit",
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
    "photo as a style": ({"prompts": {"styles": ["photo"]}}, "prompts.styles: photo is not listed here"),
    "flat channel": (
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
    from prism.config import validate

    config = load_config(root=ROOT).dump()
    del config["classes"], config["teacher"]["weights"]
    with pytest.raises(ConfigError) as caught:
        validate(config)
    assert "config: classes is missing: Class list" in str(caught.value)
    assert "config: teacher.weights is missing: The checkpoint" in str(caught.value)


def test_all_mistakes_are_told_at_once():
    assert len(mistakes(seed=-1, device="gpu", synthesis={"shards": 0})) == 3


def test_mistakes_in_a_method_that_is_not_run_do_not_need_its_models():
    overrides = {"methods": {"dag": {"prompts": "class-name", "guidance": [{"energy": "batch-norm"}]}}}
    assert "dag" in load_config(overrides=overrides, root=ROOT).methods


def test_batchnorm_is_asked_of_the_teacher_by_flag_or_by_function():
    overrides = {
        "methods": {"dag": {"prompts": "class-name", "guidance": [{"energy": "batch-norm"}]}},
        "run": ["prism", "dag"],
    }
    config = load_config(overrides=overrides, root=ROOT)
    check_batchnorm(config, True)
    check_batchnorm(config, lambda architecture: architecture == "miniature-resnet")
    check_batchnorm(config, False, methods=["prism"])
    for answer in (False, lambda architecture: False):
        with pytest.raises(ConfigError, match="methods.dag needs BatchNorm, but teacher.architecture=miniature-resnet"):
            check_batchnorm(config, answer)
    check_batchnorm(config, False, methods=[])


def test_neighbours_are_counted_against_the_true_number_of_classes():
    config = load_config(overrides={"evaluation": {"k": 79, "reference_per_class": 40}}, root=ROOT)
    check_sample_sizes(config, classes=2)
    with pytest.raises(ConfigError, match="evaluation.k: 79 is too many neighbours among 40 images; 39"):
        check_sample_sizes(config, classes=1)


def test_the_names_are_those_of_the_registries():
    from prism.config.names import (
        ARCHITECTURES,
        BATCHNORM_ENERGIES,
        CORRUPTIONS,
        ENERGIES,
        STUDENT_ENERGIES,
        WITHOUT_BATCHNORM,
        WORLD_DOMAINS,
    )

    classifiers = pytest.importorskip("prism.models.classifiers")
    assert set(ARCHITECTURES) == set(classifiers.ARCHITECTURES)
    without = {name for name in ARCHITECTURES if not classifiers.has_batchnorm(classifiers.build(name, 10, seed=0))}
    assert set(WITHOUT_BATCHNORM) == without
    corruptions = pytest.importorskip("prism.generalization.corruptions")
    assert set(CORRUPTIONS) == {"all", *corruptions.CORRUPTIONS}
    sources = pytest.importorskip("prism.miniature.sources")
    assert set(WORLD_DOMAINS) == {"corrupted", *sources.DOMAINS}
    tables = pytest.importorskip("prism.tables.registry")
    written = load_config(root=ROOT).tables
    assert (set(written.tables), set(written.figures)) == (set(tables.TABLES), set(tables.FIGURES))
    guidance = pytest.importorskip("prism.guidance")
    assert set(ENERGIES) == set(guidance.ENERGIES)
    assert set(BATCHNORM_ENERGIES) == {name for name, energy in guidance.ENERGIES.items() if energy.statistics}
    assert set(STUDENT_ENERGIES) == {name for name, energy in guidance.ENERGIES.items() if energy.student}
