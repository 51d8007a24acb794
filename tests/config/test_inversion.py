"""Methods of engine inversion: refusals before anything runs, recipes, and which are data-free."""

import pytest
import yaml

from prism.config import check_batches
from prism.config.inversion import SMALLEST_BATCH, smallest_batch
from prism.config.paths import named_paths
from prism.errors import ConfigError

from .conftest import ROOT, load, mistakes

INVERSIONS = {
    "deepinversion",
    "adaptive-deepinversion",
    "plug-in-inversion",
    "sre2l",
    "g-vbsm",
    "g-vbsm-real-statistics",
    "prism-dd",
    "prism-dd-anew",
    "prism-dd-real-init",
    *(f"{name}-ipc{n}" for name in ("sre2l", "g-vbsm", "prism-dd") for n in (1, 10, 50)),
    *(f"{name}-ipc{n}" for name in ("g-vbsm-real-statistics", "prism-dd-real-init") for n in (10, 50)),
}


def own(**fields):
    """A configuration with one method of one's own."""
    return {"methods": {"own": {"engine": "inversion", "inversion": fields}}, "run": ["own"]}


CASES = {
    "no section": (
        {"methods": {"own": {"engine": "inversion"}}},
        "methods.own.inversion: missing; engine inversion needs",
    ),
    "section of another engine": (
        {"methods": {"vanilla": {"inversion": {}}}},
        "methods.vanilla.inversion: not used by engine diffusion; leave it out",
    ),
    "prompts": (
        {"methods": {"sre2l": {"prompts": "class-name"}}},
        "methods.sre2l.prompts: not used by engine inversion; leave it out",
    ),
    "batch too small": (
        own(batch=7, batch_norm=0.1),
        f"methods.own.inversion.batch: 7 images are too few for batch statistics; {SMALLEST_BATCH} are needed",
    ),
    "moments": (own(betas=[0.5, 1]), "methods.own.inversion.betas: [0.5, 1.0] should be two numbers in [0, 1)"),
    "crop backwards": (own(crop_scale=[1, 0.1]), "methods.own.inversion.crop_scale: [1.0, 0.1] should be"),
    "only warm-up": (
        own(iterations=80, early_late=8, warmup=10),
        "methods.own.inversion.warmup: 10 should be smaller than the 10 steps of the shortest batch",
    ),
    "statistics of nothing": (own(statistics="real"), "methods.own.inversion.statistics: real, but batch_norm is 0"),
    "patches of nothing": (
        own(batch_norm=0.1, patch_px=4),
        "methods.own.inversion.patch_px: 4, but only statistics: real compares patches; leave it out",
    ),
    "patches at half resolution": (
        own(batch_norm=0.1, statistics="real", patch_px=4, coarse_iterations=5),
        "methods.own.inversion.coarse_iterations: images at half resolution have fewer patches",
    ),
    "growth at half resolution": (
        own(growth={}, coarse_iterations=5),
        "methods.own.inversion.coarse_iterations: not used by images that grow",
    ),
    "growth of real images": (own(growth={}, init="real"), "methods.own.inversion.init: real, but images that grow"),
    "no further teacher": (
        {**own(teachers="subset"), "teachers": {"miniature-vgg": None, "miniature-mobilenet": None}},
        "methods.own.inversion.teachers: subset, but `teachers` names no further teacher",
    ),
    "real start without real images": (
        {"run": ["prism-dd-real-init"], "synthesis": {"real": None}},
        "synthesis.real: missing; method prism-dd-real-init of engine inversion needs the real training images",
    ),
    "student without its images": (
        {"run": ["adaptive-deepinversion"]},
        "methods.adaptive-deepinversion.inversion.adaptive.images: deepinversion is not in run; add it",
    ),
    "student of real images": (
        {
            "run": ["real", "adaptive-deepinversion"],
            "methods": {"adaptive-deepinversion": {"inversion": {"adaptive": {"images": "real"}}}},
        },
        "methods.adaptive-deepinversion.inversion.adaptive.images: real is not data-free",
    ),
}


@pytest.mark.parametrize(("overrides", "message"), CASES.values(), ids=CASES)
def test_a_mistake_is_one_clear_line(overrides, message):
    (line,) = mistakes(**overrides)
    assert line.startswith(f"config: {message}")


@pytest.mark.parametrize(
    ("images", "batch", "groups", "smallest"),
    [(200, 64, 1, 50), (200, 50, 1, 50), (9, 64, 1, 9), (66, 64, 1, 33), (40, 20, 2, 20), (41, 20, 2, 20)],
)
def test_batches_are_cut_evenly(images, batch, groups, smallest):
    assert smallest_batch(images, batch, groups) == smallest


def test_too_small_a_batch_names_what_would_do():
    small = load(run=["sre2l"], synthesis={"images_per_class": 4, "shards": 4})
    check_batches(small, classes=8)
    with pytest.raises(
        ConfigError, match="sre2l.inversion.batch: a batch has only 5 images.*need 8; synthesis.shards=2"
    ):
        check_batches(small, classes=5)
    with pytest.raises(ConfigError, match="only 1 images.*synthesis.images_per_class=32 would do"):
        check_batches(small, classes=1)
    check_batches(small, classes=1, methods=["plug-in-inversion", "vanilla"])
    own_size = load(run=["sre2l-ipc1", "sre2l-ipc10"], synthesis={"images_per_class": 40, "shards": 4})
    check_batches(own_size, classes=8)
    with pytest.raises(ConfigError, match="sre2l-ipc1.inversion.batch: a batch has only 5 images.*images_per_class=2 "):
        check_batches(own_size, classes=5)


def test_every_recipe_that_sees_real_images_says_so_in_its_label():
    methods = load().methods
    assert INVERSIONS <= set(methods)
    labelled = {name for name in INVERSIONS if "not data-free" in methods[name].label}
    assert labelled == {name for name in INVERSIONS if not methods[name].data_free}
    paper = ("g-vbsm-real-statistics", "prism-dd-real-init")
    assert labelled == {f"{name}{size}" for name in paper for size in ("", "-ipc10", "-ipc50")}


def test_recipes_hold_what_a_method_uses_and_no_more():
    config = load(run=["vanilla"])
    further = {name for name in INVERSIONS if "teachers" in config.recipe("synthesis", method=name)}
    assert further == {name for name in INVERSIONS if name.startswith(("g-vbsm", "prism-dd"))}
    for name in INVERSIONS:
        recipe = config.recipe("synthesis", method=name)
        assert not {"size_px", "diffusion", "prompts", "guidance"} & set(recipe)
        assert ("real" in recipe) is not config.methods[name].data_free
    for name in ("vanilla", "prism", "real"):
        assert not {"inversion", "teachers"} & set(config.recipe("synthesis", method=name))


def test_a_key_that_came_later_is_in_the_recipe_where_it_is_used_alone():
    config = load()
    recipes = {name: config.recipe("synthesis", method=name)["inversion"] for name in INVERSIONS}
    used = {name for name, recipe in recipes.items() if "patch_px" in recipe}
    assert used == {name for name in INVERSIONS if name.startswith("g-vbsm-real-statistics")}


def test_another_further_teacher_changes_the_methods_that_ask_it_alone():
    before, after = load(), load(teachers={"miniature-vgg": {"weights": "elsewhere.safetensors"}})
    changed = {
        name
        for name in before.methods
        if before.recipe("synthesis", method=name) != after.recipe("synthesis", method=name)
    }
    assert changed == {name for name in INVERSIONS if name.startswith(("g-vbsm", "prism-dd"))}


def test_the_competitor_s_recipe_leaves_out_how_it_is_competed_with():
    def recipe(**adaptive):
        given = {"adaptive-deepinversion": {"inversion": {"adaptive": adaptive}}}
        return load(methods=given).recipe("inversion", method="adaptive-deepinversion")

    assert recipe() == recipe(weight=0.9, js="released") != recipe(steps=5)
    with pytest.raises(ValueError, match="no section inversion.adaptive"):
        load().recipe("inversion", method="sre2l")


def test_files_are_looked_for_where_a_method_that_is_run_needs_them():
    keys = {key for key, _ in named_paths(load(run=["sre2l"]))}
    assert "teacher.weights" in keys and not any(key.startswith(("teachers.", "diffusion.")) for key in keys)
    assert "teachers.miniature-vgg.weights" in {key for key, _ in named_paths(load(run=["g-vbsm"]))}
    real = load(run=["prism-dd-real-init"], synthesis={"real": "somewhere"})
    assert ("synthesis.real", "somewhere") in list(named_paths(real))
    assert "synthesis.real" not in {key for key, _ in named_paths(load(run=["sre2l"], synthesis={"real": "somewhere"}))}


def test_cifar10_has_the_further_teachers_of_the_multi_teacher_methods():
    config = load(ROOT / "config/cifar10.yaml")
    assert set(config.teachers) == {"cifar-resnet20", "cifar-resnet44"}
    assert (
        "{data_root}"
        in yaml.safe_load((ROOT / "config/cifar10.yaml").read_text())["teachers"]["cifar-resnet44"]["weights"]
    )
