"""A method of a size of its own, and one with stored labels: what follows for its recipes, and for no other's."""

import pytest

from prism.config import load_config
from prism.config.load import read_mapping
from prism.config.paths import named_paths
from prism.errors import ConfigError

from .conftest import ROOT

OTHER = {"architecture": "miniature-vgg", "weights": "assets/miniature/teachers/miniature-vgg/model.safetensors"}
STAGES = ("synthesis", "evaluation", "relabelling", "distillation")


def load(methods=None, **overrides):
    run = ["real", "vanilla", "prism", *(methods or {})]
    given = {"methods": methods or {}, "run": run, "synthesis": {"shards": 4}, "pruning": None, **overrides}
    return load_config(ROOT / "config/miniature-full.yaml", overrides=given, root=ROOT)


def distilled(**relabel):
    return load({"dd": {"prompts": "class-name", "images_per_class": 10, "relabel": relabel}})


def recipes(config, method):
    found = {stage: config.recipe(stage, method=method) for stage in STAGES[:2]}
    found["distillation"] = config.recipe("distillation", method=method, student="miniature-student")
    if config.methods[method].relabel is not None:
        found["relabelling"] = config.recipe("relabelling", method=method)
    return found


def differ(one, other, method="dd"):
    before, after = recipes(one, method), recipes(other, method)
    return {stage for stage in before if before[stage] != after[stage]}


@pytest.mark.parametrize(("images", "shards"), [(1, 1), (2, 2), (10, 2), (50, 2), (52, 4), (7, 1), (9, 3)])
def test_a_method_of_few_images_has_as_many_shards_as_divide_them(images, shards):
    config = load({"few": {"prompts": "class-name", "images_per_class": images}})
    assert (config.images_per_class("few"), config.shards("few")) == (images, shards)
    assert (config.images_per_class("prism"), config.shards("prism")) == (100, 4)
    assert config.recipe("synthesis", method="few")["synthesis"] == {"images_per_class": images, "shards": shards}


@pytest.mark.parametrize(("images", "shards"), [(1, 1), (10, 1), (20, 2), (50, 2), (100, 4)])
def test_a_shard_has_as_many_images_of_a_class_as_a_batch_of_few_classes_takes(images, shards):
    inversion = {"batch": 80, "classes_per_batch": 8, "densification": 1.0}
    config = load({"few": {"engine": "inversion", "inversion": inversion, "images_per_class": images}})
    assert config.shards("few") == shards


def test_a_method_without_a_size_of_its_own_has_the_recipe_it_had():
    recipe = load().recipe("synthesis", method="vanilla")
    assert recipe["synthesis"] == {"images_per_class": 100, "shards": 4}
    assert not {"relabel", "images_per_class"} & recipe.keys()
    training = load().recipe("distillation", method="vanilla", student="miniature-student")
    assert "soft_labels" not in training and "augment" in training["distillation"]
    assert "images_per_class" not in load().recipe("tables")


def test_few_images_change_no_prompt_and_many_change_those_of_their_strategy_alone():
    def prompts(images):
        config = load({"own": {"prompts": "senses", "images_per_class": images}})
        return {name: config.recipe("prompts", strategy=name)["images_per_class"] for name in config.strategies}

    assert set(prompts(10).values()) == {100}
    assert {name for name, count in prompts(300).items() if count != 100} == {"senses"}


def test_real_images_of_a_small_method_are_as_few():
    config = load({"real-ipc10": {"engine": "real", "images_per_class": 10}})
    for stage in ("synthesis", "evaluation"):
        assert config.recipe(stage, method="real-ipc10")["images_per_class"] == 10
        assert config.recipe(stage, method="real")["images_per_class"] == 100


def test_a_method_with_too_few_images_for_the_neighbours_is_not_measured():
    config = load({f"ipc{n}": {"prompts": "class-name", "images_per_class": n} for n in (1, 2, 10)})
    assert config.evaluation.k == 3  # two classes of one image are two, of two images four
    assert [config.evaluated(name) for name in ("ipc1", "ipc2", "ipc10", "prism")] == [False, True, True, True]


def test_names_for_people_tell_sizes_apart_and_families_do_not():
    named = {"prompts": "class-name", "label": "SRe2L"}
    config = load(
        {
            "own-ipc1": {**named, "images_per_class": 1},
            "own-ipc10": {**named, "images_per_class": 10},
            "other-ipc10": {"prompts": "class-name", "images_per_class": 10},
        }
    )
    names = ("own-ipc1", "own-ipc10", "other-ipc10", "prism")
    assert [config.family(name) for name in names] == ["SRe2L", "SRe2L", "other", "PRISM"]
    assert [config.label(name) for name in names] == [
        "SRe2L, 1 per class",
        "SRe2L, 10 per class",
        "other, 10 per class",
        "PRISM",
    ]


@pytest.mark.parametrize(
    "views",
    [{"cutmix": 0.5}, {"crop_scale": [0.25, 1.0]}, {"flip": False}, {"teachers": [OTHER]}, {"epochs": 7}],
    ids=str,
)
def test_what_is_labelled_changes_the_labels_whose_file_the_student_reads(views):
    assert differ(distilled(), distilled(**views)) == {"relabelling"}


@pytest.mark.parametrize(
    "training", [{"loss": "mse"}, {"temperature": 4.0}, {"temperature_squared": False}, {"hard_weight": 0.1}], ids=str
)
def test_how_a_student_learns_changes_no_label(training):
    assert differ(distilled(), distilled(training=training)) == {"distillation"}


def test_keys_that_say_nothing_are_in_no_recipe():
    assert differ(distilled(), distilled(batch=7)) == set()
    assert differ(distilled(training={"loss": "mse"}), distilled(training={"loss": "mse", "temperature": 3.0})) == set()
    augmented = load(
        {"dd": distilled().dump()["methods"]["dd"]}, distillation={"augment": {"flip": True}, "alpha": 0.5}
    )
    assert differ(distilled(), augmented) == set()


def test_labels_are_stored_for_each_epoch_of_the_training_unless_said_otherwise():
    assert distilled().label_epochs("dd") == distilled().distillation.epochs == 60
    longer = distilled(training={"epochs": 300})
    assert longer.label_epochs("dd") == longer.training("dd").epochs == 300
    assert differ(distilled(), longer) == {"relabelling", "distillation"}
    assert distilled(epochs=20, training={"epochs": 300}).label_epochs("dd") == 20
    assert distilled().label_epochs("vanilla") == 0 and longer.training("vanilla") == longer.distillation


def test_published_hyper_parameters_of_sre2l_are_the_defaults_and_those_of_g_vbsm_can_be_said():
    published = distilled().methods["dd"].relabel
    assert (published.crop_scale, published.flip, published.cutmix) == ((0.08, 1.0), True, 1.0)
    assert (published.training.loss, published.training.temperature) == ("kl", 20.0)
    own = {"loss": "mse", "hard_weight": 0.1, "optimizer": "adamw", "learning_rate": 0.001, "weight_decay": 0.01}
    config = distilled(training={**own, "epochs": 300, "batch": 50, "warmup_epochs": 0, "schedule": "cosine"})
    training = config.training("dd")
    assert (training.optimizer, training.learning_rate, training.weight_decay) == ("adamw", 0.001, 0.01)
    assert (training.epochs, training.batch, training.warmup_epochs) == (300, 50, 0)
    recipe = config.recipe("distillation", method="dd", student="miniature-student")
    assert recipe["soft_labels"] == {"loss": "mse", "hard_weight": 0.1}
    assert "augment" not in recipe["distillation"] and "alpha" not in recipe["distillation"]


def test_teachers_of_an_ensemble_are_read_like_the_first_unless_they_say_otherwise():
    config = distilled(teachers=[OTHER, {**OTHER, "size_px": 64, "mean": [0.1, 0.2, 0.3]}])
    first, second, third = config.label_teachers("dd")
    assert first == config.teacher and second.architecture == "miniature-vgg"
    assert (second.size_px, second.mean, second.std) == (first.size_px, first.mean, first.std)
    assert (third.size_px, third.mean, third.std) == (64, (0.1, 0.2, 0.3), first.std)
    paths = dict(named_paths(config))
    assert paths["methods.dd.relabel.teachers[1].weights"] == OTHER["weights"]
    assert config.label_teachers("vanilla") == []


def test_the_further_teachers_of_the_experiment_may_label_too():
    config = distilled(further_teachers=True, teachers=[{**OTHER, "size_px": 64}])
    first, *further, last = config.label_teachers("dd")
    assert (first, further, last.size_px) == (config.teacher, list(config.teachers.values()), 64)
    assert "teachers.miniature-mobilenet.weights" in dict(named_paths(config))
    assert differ(distilled(), distilled(further_teachers=True)) == {"relabelling"}
    with pytest.raises(ConfigError, match="methods.dd.relabel.further_teachers: true, but `teachers` names no further"):
        load(
            {"dd": {"prompts": "class-name", "relabel": {"further_teachers": True}}},
            teachers={"miniature-vgg": None, "miniature-mobilenet": None},
        )


SETS = {"sre2l": "SRe2L", "g-vbsm": "G-VBSM", "prism-dd": "PRISM-DD"}


@pytest.mark.parametrize("name", SETS)
def test_shipped_data_sets_differ_from_their_method_in_size_and_labels_alone(name):
    config = load()
    made = config.recipe("synthesis", method=name)
    for size in (1, 10, 50):
        method = f"{name}-ipc{size}"
        recipe = config.recipe("synthesis", method=method)
        assert {key for key in made if recipe[key] != made[key]} == {"method", "synthesis"}
        assert recipe["synthesis"]["images_per_class"] == size
        assert (config.family(method), config.label(method)) == (SETS[name], f"{SETS[name]}, {size} per class")
        assert len(config.label_teachers(method)) == (1 if name == "sre2l" else 3)
        loss = config.methods[method].relabel.training
        assert (loss.loss, loss.hard_weight) == (("kl", 0.0) if name == "sre2l" else ("mse", 0.1))


def test_the_experiment_of_data_sets_has_every_method_at_every_size():
    config = load_config(ROOT / "config/dataset-distillation.yaml", root=ROOT)
    sizes = {}
    for method in config.run:
        sizes.setdefault(config.family(method), []).append(config.images_per_class(method))
    assert sizes == {name: [1, 10, 50] for name in ("Real images", "Vanilla", *SETS.values())}
    assert all(config.methods[method].data_free for method in config.run if not method.startswith("real"))
    assert len(config.distillation.seeds) == 3


def test_a_resolved_configuration_says_the_same(tmp_path):
    config = distilled(teachers=[OTHER], training={"loss": "mse"})
    assert type(config).model_validate(config.dump()) == config


@pytest.mark.parametrize(
    ("relabel", "message"),
    [
        ({"crop_scale": [0.5, 0.1]}, "methods.dd.relabel.crop_scale: [0.5, 0.1] should be [smallest, largest]"),
        ({"cutmix": -1}, "methods.dd.relabel.cutmix=-1 should be greater than or equal to 0"),
        ({"epochs": 61}, "methods.dd.relabel.epochs: 61 is more than the 60 epochs of the training"),
        (
            {"training": {"epochs": 2}},
            "methods.dd.relabel.training.warmup_epochs: 2 should be smaller than the 2 epochs",
        ),
        ({"training": {"loss": "mae"}}, "methods.dd.relabel.training.loss"),
        ({"teachers": [{**OTHER, "std": [0, 1, 1]}]}, "std: [0.0, 1.0, 1.0] has a value that is not above 0"),
        ({"temperature": 20}, "methods.dd.relabel.temperature is not a key"),
    ],
    ids=str,
)
def test_mistakes_are_one_clear_line(relabel, message):
    with pytest.raises(ConfigError) as caught:
        distilled(**relabel)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_real_images_have_no_stored_labels():
    with pytest.raises(ConfigError, match="methods.real-ipc1.relabel: not used by engine real"):
        load({"real-ipc1": {"engine": "real", "images_per_class": 1, "relabel": {}}})


def test_the_recipe_of_relabelling_needs_the_key():
    with pytest.raises(ValueError, match="methods.vanilla has no key relabel"):
        load().recipe("relabelling", method="vanilla")


ANCHORS = """
sre2l-ipc1: &sre2l
  label: SRe2L
  prompts: class-name
  images_per_class: 1
  relabel: &fkd {crop_scale: [0.25, 1.0], training: {temperature: 4.0}}
sre2l-ipc10: {<<: *sre2l, images_per_class: 10}
g-vbsm-ipc10: {<<: *sre2l, label: G-VBSM, images_per_class: 10, relabel: {<<: *fkd, cutmix: 0.0}}
"""


def test_methods_inherit_from_one_another_by_anchors(tmp_path):
    path = tmp_path / "methods.yaml"
    path.write_text("real: {engine: real}\n" + ANCHORS, encoding="utf-8")
    config = load_config(overrides={"methods_file": str(path), "run": ["real", "sre2l-ipc10"]}, root=ROOT)
    first, second, third = (config.methods[name] for name in ("sre2l-ipc1", "sre2l-ipc10", "g-vbsm-ipc10"))
    assert (first.images_per_class, second.images_per_class) == (1, 10) and first.relabel == second.relabel
    assert (third.label, third.relabel.cutmix, third.relabel.training) == ("G-VBSM", 0.0, first.relabel.training)


def test_an_inner_mapping_with_a_merge_of_its_own_may_be_merged_elsewhere(tmp_path):
    path = tmp_path / "some.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {in: &b {<<: *a, x: 3}}\nc: {<<: *b, y: 5}\n", encoding="utf-8")
    assert read_mapping(path)["c"] == {"x": 3, "y": 5}
    path.write_text("a: &a {x: 1}\nb: {<<: *a, x: 2, x: 3}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="line 2: key x is given twice"):
        read_mapping(path)
