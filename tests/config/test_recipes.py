"""A recipe is exactly what the results of a stage depend on."""

import json

import pytest

from .conftest import ROOT, load


def recipes(config):
    """Every recipe of a run, by stage and names."""
    found = {("prompts", name): config.recipe("prompts", strategy=name) for name in config.strategies}
    for name, strategy in config.strategies.items():
        if strategy.token:
            found["tokens", name] = config.recipe("tokens", strategy=name)
    for method in config.methods:
        for stage in ("synthesis", "evaluation"):
            found[stage, method] = config.recipe(stage, method=method)
        for student in config.students:
            found["distillation", method, student] = config.recipe("distillation", method=method, student=student)
    found["generalization",] = config.recipe("generalization")
    found["tables",] = config.recipe("tables")
    return found


def changed(**overrides):
    before, after = recipes(load()), recipes(load(**overrides))
    return {key for key in before if after.get(key) != before[key]}


def stages(keys):
    return {key[0] for key in keys}


def test_a_method_s_guidance_scale_changes_its_synthesis_alone():
    guidance = [{"energy": "free", "scale": 0.4, "interval": [0.3, 0.7]}]
    assert changed(methods={"prism": {"guidance": guidance}}) == {("synthesis", "prism")}


@pytest.mark.parametrize(
    "overrides",
    [
        {"device": "cuda"},
        {"threads_per_job": 8},
        {"evaluation": {"batch": 3}},
        {"generalization": {"batch": 3}},
        {"prompts": {"batch": 3}},
        {"prompts": {"base_url": "http://localhost:1/v1"}},
        {"methods": {"unused": {"prompts": "class-name"}}},
        {"students": {"other": {"architecture": "miniature-vgg"}}},
    ],
    ids=str,
)
def test_what_results_do_not_depend_on_is_in_no_recipe_but_the_tables(overrides):
    assert changed(**overrides) <= {("tables",)}


def test_the_batch_of_sampling_matters_where_images_depend_on_their_batch_alone():
    methods = load().methods
    keys = changed(diffusion={"batch": 30})
    assert keys == {("synthesis", name) for name, method in methods.items() if method.needs_batches}
    assert {"diffdfkd", "prism+cutmix"} <= {name for _, name in keys}
    assert not {"vanilla", "prism", "ddis-dag", "prism+select"} & {name for _, name in keys}


def test_keys_that_came_later_are_no_part_of_recipes_that_do_not_use_them():
    recipe = load().recipe("synthesis", method="prism")
    assert not {"cutmix", "select", "student"} & set(recipe) and "batch" not in recipe["diffusion"]
    assert set(recipe["guidance"][0]) == {
        *("energy", "scale", "interval", "every", "hinge", "temperature", "through", "decoder"),
    }
    assert "named" not in load().recipe("prompts", strategy="class-name")["strategy"]


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("prism", {"cutmix": {"every": 3}}),
        ("prism", {"select": {"draw": 2}}),
        ("diffdfkd", {"student": {"epochs": 30}}),
        ("prism", {"guidance": [{"energy": "free", "step": "absolute"}]}),
        ("prism", {"guidance": [{"energy": "free", "moves": "noisy"}]}),
        ("ddis-dag", {"guidance": [{"energy": "batch-norm", "first_weight": 10}]}),
        ("prism", {"guidance": [{"energy": "free", "last_step": False}]}),
    ],
    ids=str,
)
def test_a_later_key_that_is_used_changes_the_method_s_synthesis_alone(method, fields):
    assert changed(methods={method: fields}) == {("synthesis", method)}


def test_a_strategy_without_names_is_another_recipe():
    assert load().recipe("prompts", strategy="class-agnostic")["strategy"]["named"] is False


def test_a_label_changes_the_tables_alone():
    assert changed(methods={"prism": {"label": "Ours"}}) == {("tables",)}
    assert changed(students={"miniature-student": {"label": "Small"}}) == {("tables",)}


def test_another_seed_of_distillation_retrains_no_student():
    assert changed(distillation={"seeds": [0, 1]}) == {("tables",)}


def test_the_batch_of_training_is_part_of_its_recipe():
    assert stages(changed(distillation={"batch": 32})) == {"distillation"}


def test_the_language_model_matters_to_prompts_with_contents_alone():
    keys = changed(prompts={"temperature": 0.1})
    assert ("prompts", "diversified") in keys
    assert not {("prompts", "class-name"), ("prompts", "senses"), ("prompts", "styles")} & keys
    assert stages(keys) == {"prompts"}


def test_the_share_of_photos_matters_where_styles_vary():
    keys = changed(prompts={"photo_share": 0.1})
    varied = ("diversified", "diversified-token", "styles", "senses-styles", "contents-styles")
    assert keys == {("prompts", name) for name in varied}


def test_the_templates_do_not_depend_on_a_language_model():
    one = load(ROOT / "config/smoke.yaml", prompts={"model": "./a"})
    other = load(ROOT / "config/smoke.yaml", prompts={"model": "./b", "temperature": 0.0})
    assert one.recipe("prompts", strategy="diversified") == other.recipe("prompts", strategy="diversified")


def test_the_tiny_decoder_matters_to_methods_that_use_it():
    keys = changed(diffusion={"tiny_decoder": "elsewhere"})
    assert ("synthesis", "prism") in keys
    assert not {("synthesis", "vanilla"), ("synthesis", "prism-no-eda"), ("synthesis", "real")} & keys


def test_sampling_steps_do_not_touch_real_images():
    keys = changed(diffusion={"steps": 10})
    assert ("synthesis", "vanilla") in keys and ("synthesis", "real") not in keys
    assert stages(keys) == {"tokens", "synthesis"}  # tokens are learned on images drawn alike


def test_another_pipeline_changes_prompts_too_as_its_text_encoder_limits_their_length():
    assert stages(changed(diffusion={"pipeline": "./other"})) == {"prompts", "tokens", "synthesis"}


@pytest.mark.parametrize("tokens", [{"learning_rate": 0.1}, {"initial": "the"}, {"decoder": "tiny"}, {"images": 12}])
def test_how_tokens_are_learned_changes_their_own_stage_alone(tokens):
    assert changed(tokens=tokens) == {("tokens", "class-token"), ("tokens", "diversified-token")}


def test_the_batch_of_tokens_is_in_no_recipe():
    assert changed(tokens={"batch": 3}) == set()


def test_the_tiny_decoder_matters_to_tokens_that_are_learned_through_it():
    full, tiny = ({"tokens": {"decoder": name}} for name in ("full", "tiny"))
    elsewhere = {"diffusion": {"tiny_decoder": "elsewhere"}}
    assert load(**full).recipe("tokens", strategy="class-token") == load(**full, **elsewhere).recipe(
        "tokens", strategy="class-token"
    )
    assert load(**tiny).recipe("tokens", strategy="class-token") != load(**tiny, **elsewhere).recipe(
        "tokens", strategy="class-token"
    )


def test_strategies_without_a_token_have_the_recipe_that_they_had_before_there_were_any():
    assert set(load().recipe("prompts", strategy="class-name")["strategy"]) == {"name", "senses", "contents", "styles"}


def test_real_training_images_matter_to_methods_that_are_not_data_free_alone():
    keys = changed(synthesis={"real": "other.zip"})
    paper = ("g-vbsm-real-statistics", "prism-dd-real-init")
    assert {key[1] for key in keys} == {
        "real",
        *(f"{name}{size}" for name in paper for size in ("", "-ipc10", "-ipc50")),
    }
    assert stages(key for key in keys if key[1] != "real") == {"synthesis"}


def test_metrics_settings_change_the_evaluation_alone():
    assert stages(changed(evaluation={"k": 5})) == {"evaluation"}
    assert stages(changed(evaluation={"kid_subsets": 7})) == {"evaluation"}


def test_domains_change_generalization_and_tables():
    assert stages(changed(generalization={"domains": {"sketch": None}})) == {"generalization", "tables"}


def test_the_teacher_and_the_seed_matter_wherever_they_are_used():
    assert stages(changed(teacher={"size_px": 64})) == {"tokens", "synthesis", "evaluation", "distillation"}
    assert stages(changed(seed=1)) == {"prompts", "tokens", "synthesis", "evaluation", "distillation", "generalization"}


def test_the_number_of_images_changes_prompts_and_synthesis():
    keys = changed(synthesis={"images_per_class": 60})
    assert {"prompts", "synthesis"} <= stages(keys)
    assert (
        "distillation",
        "vanilla",
        "miniature-student",
    ) not in keys  # its shards change, and they are its input


def test_writing_a_default_out_changes_nothing():
    assert changed(methods={"vanilla": {"engine": "diffusion", "guidance": []}}, prompts={"retries": 3}) == set()


def test_recipes_do_not_depend_on_where_the_data_lies():
    here, there = load(ROOT / "config/cifar10.yaml"), load(ROOT / "config/cifar10.yaml", data_root="/elsewhere/data")
    assert recipes(here) == recipes(there)


def test_recipes_are_ready_for_json():
    for recipe in recipes(load()).values():
        assert json.loads(json.dumps(recipe)) == recipe


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stage": "synthesise"}, "stage='synthesise' is not a stage; did you mean synthesis?"),
        ({"stage": "synthesis"}, "method=None, but the recipe of stage synthesis needs"),
        ({"stage": "synthesis", "method": "prizm"}, "method='prizm' is not known; did you mean prism?"),
        ({"stage": "prompts", "strategy": "sense"}, "did you mean senses?"),
        ({"stage": "tokens", "strategy": "senses"}, "is not one with learned tokens"),
    ],
)
def test_a_wrong_name_is_told(arguments, message):
    with pytest.raises(ValueError, match="is not|needs") as caught:
        load().recipe(**arguments)
    assert message in str(caught.value)
