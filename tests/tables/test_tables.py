"""Each table: its rows, its order, its arithmetic and its complaints."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from prism.errors import DataError
from prism.tables.frame import collect
from prism.tables.published import DEFAULT_SETTING, Published, Setting, load_published
from prism.tables.registry import TABLES
from prism.tables.render import Cell, to_csv

from .conftest import manifest


def _rows(name, paths, context):
    table = TABLES[name](collect(paths), context)
    return {row.cells["method"]: row for row in table.rows}, table


def _cell(mean, sd=None, n=1):
    return Cell(pytest.approx(mean), None if sd is None else pytest.approx(sd), n)


def test_accuracy_has_the_teacher_then_real_images_then_methods_in_their_order(results, context):
    rows, _ = _rows("accuracy", results, context)
    assert list(rows) == ["Teacher", "Real", "Vanilla", "+EDA", "PRISM", "no styles"]
    assert rows["Teacher"].cells["net"] == _cell(95)
    assert rows["PRISM"].cells["net"] == _cell(70, 1, 3)
    assert len(rows["PRISM"].sources) == 3


def test_accuracy_quotes_published_numbers_and_says_that_they_are_others(results, context):
    setting = ("ImageNet-1K", "ResNet-34", "ResNet-18")
    source = ("A paper", "a table", "a.png", "second-hand", "")
    number = Published("accuracy", "vanilla", "SD", *setting, "top1", 33.02, "", *source)
    rows, table = _rows("accuracy", results, replace(context, published=(number,)))
    assert rows["Vanilla"].cells["published"] == "33.02†"
    assert "published" not in rows["PRISM"].cells
    assert DEFAULT_SETTING.text in table.columns[-1].header
    assert "not for this experiment (A paper, a table, a.png)" in table.notes[-1]


def test_accuracy_without_published_numbers_has_no_column_for_them(results, context):
    assert [column.key for column in _rows("accuracy", results, context)[1].columns] == ["method", "net"]


def test_methods_that_only_the_papers_have_are_rows_of_their_own_marked_as_quoted(results, context):
    setting = ("CIFAR-10", "ResNet-34", "ResNet-18")
    source = ("A paper", "a table", "one; other", "found", "")
    numbers = [
        Published("accuracy", "dafl", "DAFL", *setting, "top1", 92.22, "", *source),
        Published("accuracy", "vanilla", "SD", *setting, "top1", 33.0, "", *source),
        Published("accuracy", "dafl", "DAFL", "CIFAR-100", *setting[1:], "top1", 74.47, "", *source),
        Published("accuracy", "cmi", "CMI", "CIFAR-100", *setting[1:], "top1", 77.04, "", *source),
    ]
    rows, table = _rows("accuracy", results, replace(context, published=numbers, setting=Setting(*setting)))
    assert list(rows)[-1] == "DAFL (quoted)" and "SD (quoted)" not in rows and "CMI (quoted)" not in rows
    assert rows["DAFL (quoted)"].cells == {"method": "DAFL (quoted)", "published": "92.22"}
    assert rows["DAFL (quoted)"].sources == ("one, other",) and rows["DAFL (quoted)"].rule_above
    assert rows["Vanilla"].cells["published"] == "33.00"
    assert "quoted were not run here" in table.notes[-1]


def test_the_cifar_experiment_quotes_the_generator_methods_of_its_setting(results, context, project_root):
    published = load_published(project_root / "config" / "published")
    setting = Setting("CIFAR-10", "ResNet-34", "ResNet-18")
    rows, _ = _rows("accuracy", results, replace(context, published=published, setting=setting))
    numbers = {label: row.cells["published"] for label, row in rows.items() if "(quoted)" in label}
    assert numbers == {  # README of zju-vipa/Fast-Datafree, and of CuDFKD and AdaDFKD
        "DeepInversion-2k (quoted)": "93.26",
        "CMI-500 (quoted)": "94.84",
        "DAFL (quoted)": "92.22",
        "ZSKT (quoted)": "93.32",
        "DFQ (quoted)": "94.61",
        "Fast-2 (quoted)": "92.62",
        "Fast-5 (quoted)": "93.63",
        "Fast-10 (quoted)": "94.05",
        "CuDFKD (quoted)": "95.28",
        "AdaDFKD (quoted)": "95.32",
    }


def test_teachers_that_disagree_are_refused(results, context, write):
    other = {"method": "ddis", "student": "net", "seed": 0, "accuracy": 0.5, "teacher_accuracy": 0.8}
    with pytest.raises(DataError, match="different experiments"):
        _rows("accuracy", [*results, write("other.json", other)], context)


@pytest.mark.parametrize(("other", "refused"), [(0.951, False), (0.953, True)])
def test_one_image_of_the_test_set_may_flip_between_teachers(results, context, write, other, refused):
    scores = {"accuracy": 0.5, "teacher_accuracy": other, "n_test": 1000}
    paths = [*results, write("other.json", {"method": "ddis", "student": "net", "seed": 0, **scores})]
    if refused:
        with pytest.raises(DataError, match="different experiments"):
            _rows("accuracy", paths, context)
    else:
        assert _rows("accuracy", paths, context)[0]["Teacher"]


def test_a_method_unknown_to_the_configuration_comes_last_under_its_own_name(results, context, write):
    other = {"method": "another", "student": "net", "seed": 0, "accuracy": 0.5}
    rows, _ = _rows("accuracy", [*results, write("other.json", other)], context)
    assert list(rows)[-1] == "another"


def test_quality_shows_the_metrics_that_there_are_and_their_full_names(results, context):
    rows, table = _rows("quality", results, context)
    assert [column.key for column in table.columns] == [
        "method",
        "fid",
        "precision",
        "recall",
        "oracle_sense",
    ]
    assert rows["PRISM"].cells["precision"] == _cell(0.7)
    assert "precision_miniature_k3_n100" in table.notes[1]
    assert len(table.notes) == 2


def test_quality_warns_of_methods_measured_by_another_protocol(results, context, write):
    other = {
        "method": "b",
        "metrics": {"precision": 0.5},
        "protocol": {"names": {"precision": "precision_k5"}},
    }
    _, table = _rows("quality", [*results, write("b.json", other)], context)
    assert "do not compare Precision" in table.notes[-1]


def test_ablation_adds_parts_to_none_and_leaves_them_out_of_all(results, context):
    table = TABLES["ablation"](collect(results), context)
    assert [row.cells["method"] for row in table.rows] == ["Vanilla", "+EDA", "PRISM", "PRISM", "no styles"]
    assert [row.cells["styles"].strip() for row in table.rows] == ["", "", "✓", "✓", ""]
    assert [row.rule_above for row in table.rows] == [True, False, False, True, False]


def test_ablation_differences_are_to_the_reference_of_the_block_and_paired_by_seed(results, context):
    rows = TABLES["ablation"](collect(results), context).rows
    assert "accuracy_difference" not in rows[0].cells
    assert rows[1].cells["accuracy_difference"] == Cell(pytest.approx(8), pytest.approx(0, abs=1e-9), 3)
    assert rows[4].cells["accuracy_difference"].mean == pytest.approx(-4)
    assert rows[4].cells["precision_difference"] == _cell(-0.04)


def test_ablation_pairs_only_seeds_that_both_methods_have(results, context):
    frame = collect(results)
    frame = frame[~((frame["method"] == "eda") & (frame["seed"] == 2))]
    assert TABLES["ablation"](frame, context).rows[1].cells["accuracy_difference"].n == 2


def test_ablation_without_its_methods_is_refused(results, context):
    with pytest.raises(DataError, match="table ablation"):
        _rows("ablation", results, replace(context, parts={}))


def test_generalization_has_a_column_per_domain_and_their_mean(results, context):
    rows, table = _rows("generalization", results, context)
    assert [column.key for column in table.columns] == ["method", "sketch", "cartoon", "mean_of_domains"]
    assert rows["PRISM"].cells["mean_of_domains"] == Cell(pytest.approx(60), pytest.approx(1), 3)
    assert list(rows)[0] == "Real"


def test_the_mean_leaves_the_teacher_s_own_domain_out(results, context):
    rows, table = _rows("generalization", results, replace(context, other_domains=("cartoon",)))
    assert [column.key for column in table.columns] == ["method", "sketch", "cartoon"]  # of one domain there is no mean
    frame = collect(results)
    own = frame[frame["domain"] == "cartoon"].assign(domain="in-distribution", value=1.0)
    context = replace(context, domains=("in-distribution", "sketch", "cartoon"))
    table = TABLES["generalization"](pd.concat([frame, own]), context)
    assert table.columns[-1].header == "Mean of other domains"
    row = next(row for row in table.rows if row.cells["method"] == "PRISM")
    assert row.cells["mean_of_domains"].mean == pytest.approx(60) and row.cells["in-distribution"].mean == 100


def test_generalization_gives_no_mean_where_a_domain_is_missing(results, context):
    frame = collect(results)
    frame = frame[~((frame["method"] == "prism") & (frame["domain"] == "sketch"))]
    row = next(row for row in TABLES["generalization"](frame, context).rows if row.cells["method"] == "PRISM")
    assert "mean_of_domains" not in row.cells and "sketch" not in row.cells


def test_cost_sums_seconds_over_shards_and_students_and_takes_the_largest_memory(results, context):
    rows, _ = _rows("cost", results, context)
    cells = rows["Vanilla"].cells
    assert cells["images"] == Cell(20) and cells["synthesis_seconds"] == Cell(41)
    assert cells["seconds_per_image"] == _cell(2.05)
    assert cells["peak_memory_mb"] == Cell(901) and cells["distillation_seconds"] == Cell(30)
    assert cells["prompts_seconds"] == Cell(3)
    assert "prompts_seconds" not in rows["PRISM"].cells


def test_cost_counts_the_tokens_that_a_method_s_strategy_has(results, write, context):
    learned = {"stage": "tokens", "recipe": {"strategy": "class-name"}, "recipe_hash": "0" * 16, "count": 10}
    path = write("tokens/class-name.json", {**learned, "details": {}, "run": {"seconds": 7.0}})
    rows, _ = _rows("cost", [*results, path], context)
    assert rows["Vanilla"].cells["tokens_seconds"] == Cell(7) and str(path) in rows["Vanilla"].sources
    assert "tokens_seconds" not in rows["PRISM"].cells


@pytest.mark.parametrize("name", TABLES)
def test_without_inputs_a_table_says_what_is_missing_in_one_line(name, context):
    with pytest.raises(DataError, match=f"table {name}") as caught:
        TABLES[name](collect([]), context)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", TABLES)
def test_every_row_of_every_table_names_its_files(name, results, pruned, context):
    paths = [*results, *pruned]
    table = TABLES[name](collect(paths), context)
    assert all(row.sources for row in table.rows)
    assert to_csv(table) == to_csv(TABLES[name](collect(reversed(paths)), context))


def test_cost_counts_the_student_that_a_method_competes_with(results, write, context):
    taught = manifest("inversion", {"method": "prism"}, count=20, run={"seconds": 12.0})
    rows, table = _rows("cost", [*results, write("inversion/prism/student.json", taught)], context)
    assert rows["PRISM"].cells["inversion_seconds"] == Cell(12) and "inversion_seconds" not in rows["Vanilla"].cells
    assert "Competitor (s)" in [column.header for column in table.columns]
