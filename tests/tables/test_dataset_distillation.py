"""The table of distilled data sets: a row for each method, its sizes side by side, bytes as they lie on the disk."""

from __future__ import annotations

import pytest

from prism.errors import DataError
from prism.tables import cost, dataset_distillation
from prism.tables.context import Context
from prism.tables.frame import collect
from prism.tables.render import MISSING, Cell, to_csv, to_html, to_latex, to_markdown

from .conftest import manifest

METHODS = {"sre2l-ipc1": ("SRe2L", 1), "sre2l-ipc10": ("SRe2L", 10), "prism-ipc10": ("PRISM", 10)}


@pytest.fixture
def context() -> Context:
    return Context(
        methods={"vanilla": "Vanilla", **{name: f"{label}, {n} per class" for name, (label, n) in METHODS.items()}},
        students={"net": "Net"},
        images_per_class={name: count for name, (_, count) in METHODS.items()},
        families={name: label for name, (label, _) in METHODS.items()},
    )


@pytest.fixture
def files(write):
    """Two seeds each, in two shards where there are ten images; SRe2L alone has stored labels."""
    paths = []
    for method, accuracy in (("vanilla", 0.9), ("sre2l-ipc1", 0.2), ("sre2l-ipc10", 0.4), ("prism-ipc10", 0.5)):
        for seed in range(2):
            who = {"method": method, "student": "net", "seed": seed}
            paths.append(write(f"{method}/seed-{seed}/metrics.json", who | {"accuracy": accuracy + 0.02 * seed}))
        for shard in range(2 if method.endswith("ipc10") else 1):
            made = manifest("synthesis", {"method": method}, run={"seconds": 1.0})
            made["details"] = {"method": method, "bytes": 1500}
            paths.append(write(f"synthesis/{method}/shard-{shard:04d}.json", made))
        if method.startswith("sre2l"):
            made = manifest("relabelling", {"method": method}, run={"seconds": 7.0})
            made["details"] = {"method": method, "label_bytes": 6000, "logit_bytes": 1}
            paths.append(write(f"relabelling/{method}.json", made))
    return paths


def test_sizes_of_a_method_stand_side_by_side_with_their_bytes(files, context):
    table = dataset_distillation.build(collect(files), context)
    assert [row.cells["method"] for row in table.rows] == ["SRe2L", "PRISM"]
    sre2l, prism = (row.cells for row in table.rows)
    assert sre2l["ipc1_net"].mean == pytest.approx(21) and sre2l["ipc1_net"].n == 2
    assert sre2l["ipc1_net"].sd == pytest.approx(2 / 2**0.5)
    assert (sre2l["ipc1_images_kb"], sre2l["ipc1_labels_kb"], sre2l["ipc1_ratio"]) == (Cell(1.5), Cell(6), Cell(4))
    assert (sre2l["ipc10_images_kb"], sre2l["ipc10_labels_kb"], sre2l["ipc10_ratio"]) == (Cell(3), Cell(6), Cell(2))
    assert (prism["ipc10_labels_kb"], prism["ipc10_ratio"]) == (Cell(0), Cell(0))
    assert "ipc1_net" not in prism
    assert [column.key for column in table.columns] == [
        "method",
        *(f"ipc{n}_{what}" for n in (1, 10) for what in ("net", "images_kb", "labels_kb", "ratio")),
    ]
    assert any("relabelling/sre2l-ipc10.json" in source for source in table.rows[0].sources)


def test_all_four_formats_show_it(files, context):
    table = dataset_distillation.build(collect(files), context)
    assert "| SRe2L | 21.00 ± 1.41 | 1.5 | 6.0 | 4.00 | 41.00 ± 1.41 | 3.0 | 6.0 | 2.00 |" in to_markdown(table)
    assert f"| PRISM | {MISSING} |" in to_markdown(table)
    assert to_csv(table).startswith("method,ipc1_net_mean,ipc1_net_sd,ipc1_net_n,ipc1_images_kb_mean")
    assert "10 / class: Net" in to_html(table) and "10 / class: Net" in to_latex(table)


def test_an_experiment_without_distilled_data_sets_has_an_empty_table_that_says_so(files, context):
    plain = Context(methods=context.methods, students=context.students)
    table = dataset_distillation.build(collect(files), plain)
    assert not table.rows and table.notes == ("No method of this experiment has images_per_class or relabel.",)
    assert all(render(table) for render in (to_csv, to_markdown, to_latex, to_html))
    with pytest.raises(DataError, match="run the stage distillation first"):
        dataset_distillation.build(collect([path for path in files if "synthesis" in str(path)]), context)


def test_bytes_that_are_no_number_are_refused(write):
    made = manifest("relabelling", {"method": "sre2l-ipc1"}, run={})
    path = write("relabelling/sre2l-ipc1.json", made | {"details": {"label_bytes": "many"}})
    with pytest.raises(DataError, match="details.label_bytes is 'many', expected a finite number"):
        collect([path])


def test_cost_counts_the_relabelling_where_there_is_one(files, context):
    rows = {row.cells["method"]: row.cells for row in cost.build(collect(files), context).rows}
    assert rows["SRe2L, 1 per class"]["relabelling_seconds"] == Cell(7)
    assert "relabelling_seconds" not in rows["PRISM, 10 per class"]
