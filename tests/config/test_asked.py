"""An experiment is asked for the tables and figures that it has something for."""

from __future__ import annotations

import pytest

from prism.config import load_config
from prism.config.asked import figures_asked, tables_asked


@pytest.fixture
def asked(project_root):
    """``asked(run, **sections)``: the names of tables and figures of that experiment, in one set."""

    def names(run: list[str], **sections: object) -> set[str]:
        overrides = {"run": run, **sections}
        config = load_config(project_root / "config/config.yaml", overrides=overrides, root=project_root)
        return {*tables_asked(config), *figures_asked(config)}

    return names


def test_prisms_parts_are_asked_for_where_a_method_is_made_of_them(asked):
    assert "ablation" in asked(["real", "vanilla", "prism"])
    assert "ablation" not in asked(["real", "deepinversion", "sre2l"])


def test_pruning_and_distilled_data_sets_where_they_are_run(asked):
    assert {"pruning", "pruning-curve", "dataset-distillation"}.isdisjoint(asked(["vanilla"]))
    pruning = {"sparsities": [0.5], "methods": ["vanilla"], "seeds": [0]}
    wanted = {"pruning", "pruning-curve", "dataset-distillation"}
    assert wanted <= asked(["vanilla", "sre2l-ipc10"], pruning=pruning)


def test_claims_where_there_are_any_and_costs_where_something_is_synthesized(asked):
    assert {"claims", "cost", "images"} <= asked(["real", "vanilla"])
    assert "claims" not in asked(["vanilla"], claims_file=None)
    assert {"cost", "images"}.isdisjoint(asked(["real"]))


def test_measures_where_some_method_has_images_enough(asked):
    measures = {"quality", "precision-recall", "energy-histograms"}
    assert measures <= asked(["sre2l-ipc1", "sre2l-ipc10"])
    assert measures.isdisjoint(asked(["sre2l-ipc1"]))


@pytest.mark.parametrize("file", ["dataset-distillation", "imagenet1k", "cifar10"])
def test_what_ships_asks_for_nothing_that_it_does_not_run(project_root, file):
    config = load_config(project_root / f"config/{file}.yaml", root=project_root)
    assert ("ablation" in tables_asked(config)) == (file != "dataset-distillation")
