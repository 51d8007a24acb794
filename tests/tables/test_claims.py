"""Table ``claims``: each verdict follows from the numbers beside it, and what was not run says so."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest
from scipy import stats

from prism.config import ClaimConfig, load_config
from prism.config.names import CLAIMED_METHODS, COST_METRICS, SEEDED_METRICS, ClaimMetric
from prism.errors import DataError
from prism.tables import quality
from prism.tables.claims import build
from prism.tables.frame import collect
from prism.tables.iterations import iterations_of
from prism.tables.render import FORMATS, to_csv, to_html, to_latex

from .conftest import evaluation, manifest


def claim(**fields):
    about = {"statement": "A.", "source": "B.", "mark": "found", "kind": "greater", "metric": "accuracy"}
    return ClaimConfig.model_validate({**about, **fields})


@pytest.fixture
def noisy(write, results):
    """``results``, with students of ``eda``, ``prism`` and ``vanilla`` whose seeds differ unevenly."""
    scores = {"vanilla": (0.50, 0.52, 0.49), "eda": (0.58, 0.57, 0.55), "prism": (0.69, 0.71, 0.70)}
    for method, values in scores.items():
        for seed, value in enumerate(values):
            who = {"method": method, "student": "net", "seed": seed, "accuracy": value}
            write(f"distillation/{method}/net/seed-{seed}/metrics.json", who)
            domains = {"sketch": {"accuracy": value - 0.3}, "cartoon": {"accuracy": value / 2}}
            who.pop("accuracy")
            write(f"generalization/{method}/net/seed-{seed}.json", who | {"domains": domains})
    return results


@pytest.fixture
def judge(noisy, context):
    """``judge(claim)``: the rows of the table that it makes, as read from the CSV."""

    def make(one, paths=None, **changes):
        given = replace(context, claims={"it": one}, other_domains=("sketch", "cartoon"), **changes)
        table = build(collect(paths or noisy), given)
        return list(csv.DictReader(io.StringIO(to_csv(table))))

    return make


def test_numbers_of_both_sides_and_scipy_s_p_stand_beside_the_verdict(judge):
    (row,) = judge(claim(left="eda", right=["vanilla"]))
    expected = stats.ttest_rel([58, 57, 55], [50, 52, 49], alternative="greater").pvalue
    assert float(row["p_mean"]) == pytest.approx(float(expected), rel=1e-6)
    assert row["verdict"] == ("holds" if expected < 0.05 else "undecided") == "holds"
    assert (row["left_n"], row["right_n"], row["difference_n"]) == ("3", "3", "3")
    assert float(row["left_mean"]) == pytest.approx(170 / 3) and float(row["difference_mean"]) == pytest.approx(19 / 3)
    assert float(row["right_sd"]) == pytest.approx(1.5275252)
    assert (row["comparison"], row["of"]) == ("+EDA > Vanilla", "Net")
    assert (row["claim"], row["mark"], row["metric"]) == ("it", "the paper", "accuracy")
    assert row["sources"].count("metrics.json") == 6


def test_the_reverse_of_what_was_claimed_does_not_hold(judge):
    assert judge(claim(left="vanilla", right=["eda"]))[0]["verdict"] == "does not hold"


def test_a_method_that_was_not_run_is_named_and_the_claim_is_not_judged(judge):
    (row,) = judge(claim(left="prism", right=["ddis"]))
    assert (row["verdict"], row["why"], row["sources"]) == ("not run", "not in this experiment: ddis", "")
    rows = judge(claim(left="real", right=["ddis", "vanilla", "sre2l"]))
    assert (rows[0]["verdict"], rows[0]["why"]) == ("not run", "not in this experiment: ddis, sre2l")
    assert not rows[0]["test"] and not rows[0]["p_mean"] and not rows[0]["sources"]
    # what can be compared is shown, and decides nothing
    assert [(row["claim"], row["comparison"], row["verdict"]) for row in rows[1:]] == [
        ("it/1", "Real > Vanilla", "holds")
    ]


def test_a_metric_that_was_not_measured_is_told(judge):
    (row,) = judge(claim(metric="vendi", left="prism", right=["vanilla"], margin=1))
    assert (row["verdict"], row["why"]) == ("not run", "vendi not measured for prism, vanilla")
    (row,) = judge(claim(metric="vendi", left="prism", right=["ddis"], margin=1))
    assert row["why"] == "not in this experiment: ddis; vendi not measured for prism"


def test_generalization_needs_a_domain_other_than_the_teacher_s(noisy, context):
    one = claim(metric="generalization", left="prism", right=["vanilla"])
    (row,) = build(collect(noisy), replace(context, claims={"it": one}, other_domains=())).rows
    assert (row.cells["verdict"], row.cells["why"]) == ("not run", "no domain but the teacher's own")


def test_one_seed_is_undecided(judge, noisy):
    (row,) = judge(claim(left="eda", right=["vanilla"]), [path for path in noisy if "seed-1" in str(path)])
    assert (row["verdict"], row["why"], row["left_n"]) == ("undecided", "one seed: no test", "1")


def test_an_order_is_one_claim_and_a_row_for_each_link(judge):
    rows = judge(claim(order=["real", "prism", "eda", "vanilla"]))
    assert [row["claim"] for row in rows] == ["it", "it/1", "it/2", "it/3"]
    assert [row["comparison"] for row in rows] == ["", "Real > PRISM", "PRISM > +EDA", "+EDA > Vanilla"]
    assert rows[0]["verdict"] == "holds" and rows[0]["why"] == "3 of 3 comparisons hold"
    assert float(rows[0]["p_mean"]) == max(float(row["p_mean"]) for row in rows[1:])
    broken = judge(claim(order=["prism", "real", "vanilla"]))
    assert [row["verdict"] for row in broken] == ["does not hold", "does not hold", "holds"]
    assert broken[0]["why"] == "1 of 2 comparisons holds"


def test_single_values_are_judged_by_the_margin_that_the_claim_states(judge):
    about = {"metric": "precision", "left": "prism", "right": ["vanilla"]}
    (row,) = judge(claim(**about, margin=0.2))  # 0.7 against 0.5
    assert (row["verdict"], row["test"], row.get("p_mean", "")) == ("holds", "margin 0.2", "")
    (row,) = judge(claim(**about, margin=0.21))
    assert (row["verdict"], row["why"]) == ("undecided", "they differ by less than 0.21")
    (row,) = judge(claim(metric="fid", kind="less", left="prism", right=["vanilla"], factor=1.5))  # 30 against 50
    assert (row["verdict"], row["test"]) == ("holds", "factor 1.5")


def test_values_of_different_protocols_are_not_compared(judge, noisy, write):
    other = evaluation("prism", 0.9) | {"protocol": {"names": {"precision": "precision_miniature_k3_n10"}}}
    write("evaluation/prism.json", other)
    (row,) = judge(claim(metric="precision", left="prism", right=["vanilla"], margin=0.1))
    assert row["verdict"] == "undecided" and "precision_miniature_k3_n10" in row["why"]


def test_generalization_is_the_mean_of_domains_or_any_of_them(judge, write):
    for seed, value in enumerate((0.60, 0.62, 0.61)):  # better on cartoon alone
        domains = {"sketch": {"accuracy": 0.1}, "cartoon": {"accuracy": value}}
        who = {"method": "vanilla", "student": "net", "seed": seed}
        write(f"generalization/vanilla/net/seed-{seed}.json", who | {"domains": domains})
    about = {"metric": "generalization", "left": "vanilla", "right": ["eda"]}
    (row,) = judge(claim(**about))
    assert row["of"] == "Net, mean of 2 domains"
    assert float(row["left_mean"]) == pytest.approx((10 + 61) / 2)
    rows = judge(claim(**about, domains="any"))
    assert [row["of"] for row in rows] == ["", "Net, sketch", "Net, cartoon"]
    assert [row["verdict"] for row in rows] == ["holds", "does not hold", "holds"]
    assert float(rows[0]["p_mean"]) == pytest.approx(2 * float(rows[2]["p_mean"]))
    assert judge(claim(**about, domains="all"))[0]["verdict"] == "does not hold"
    assert judge(claim(**about, domains="cartoon"))[0]["of"] == "Net, cartoon"


def test_a_seed_that_lacks_a_domain_is_not_averaged(judge, write):
    who = {"method": "eda", "student": "net", "seed": 2, "domains": {"sketch": {"accuracy": 0.9}}}
    write("generalization/eda/net/seed-2.json", who)
    (row,) = judge(claim(metric="generalization", left="eda", right=["vanilla"]))
    assert row["left_n"] == "2"


def test_the_first_student_counts_unless_another_is_named(judge, noisy, write):
    paths = list(noisy)
    for method, values in {"eda": (0.1, 0.2, 0.1), "vanilla": (0.3, 0.5, 0.35)}.items():
        for seed, value in enumerate(values):
            who = {"method": method, "student": "small", "seed": seed, "accuracy": value}
            paths.append(write(f"distillation/{method}/small/seed-{seed}/metrics.json", who))
    about = {"left": "eda", "right": ["vanilla"]}
    students = {"net": "Net", "small": "Small"}
    assert judge(claim(**about), paths, students=students)[0]["verdict"] == "holds"
    assert judge(claim(**about, student="small"), paths, students=students)[0]["verdict"] == "does not hold"


def test_costs_are_per_image_over_all_shards(judge, noisy, write):
    paths = list(noisy)
    for shard, count in enumerate((10, 30)):
        details = {"iterations_per_image": (2600, 1800)[shard]}  # 2000 over all images
        content = manifest("synthesis", {"method": "prism"}, count=count, run={"seconds": 400.0})
        paths.append(write(f"synthesis/prism/shard-000{shard}.json", content | {"details": details}))
        sampled = manifest("synthesis", {"method": "eda", "diffusion": {"steps": 25}}, count=10, run={"seconds": 5.0})
        paths.append(write(f"synthesis/eda/shard-000{shard}.json", sampled))
    paths = list(dict.fromkeys(paths))
    (row,) = judge(claim(metric="seconds_per_image", kind="less", left="eda", right=["prism"], factor=10), paths)
    assert (float(row["left_mean"]), float(row["right_mean"])) == (0.5, 20) and row["verdict"] == "holds"
    (row,) = judge(claim(metric="iterations_per_image", kind="less", left="eda", right=["prism"], factor=10), paths)
    assert (float(row["left_mean"]), float(row["right_mean"])) == (25, 2000) and row["verdict"] == "holds"
    (row,) = judge(claim(metric="iterations_per_image", kind="less", left="eda", right=["prism"], factor=100), paths)
    assert (row["verdict"], row["why"]) == ("does not hold", "the ratio is 80")  # a count misses what is claimed or not


@pytest.mark.parametrize(
    ("stage", "recipe", "details", "expected"),
    [
        ("synthesis", {"diffusion": {"steps": 25}}, {}, {"iterations_per_image": 25}),
        (
            "synthesis",
            {"inversion": {"iterations": 2000}},
            {"iterations_per_image": 1125.0},
            {"iterations_per_image": 1125.0},
        ),
        ("synthesis", {"diffusion": {"steps": 20}}, {"candidates": 15, "kept": 10}, {"iterations_per_image": 30}),
        (
            "tokens",
            {"tokens": {"images": 10}, "diffusion": {"steps": 25}},
            {"classes": [{"epochs": 3}, {"epochs": 15}]},
            {"iterations": 18 * 10 * 25},
        ),
        ("evaluation", {"diffusion": {"steps": 25}}, {}, {}),
    ],
)
def test_steps_of_an_image_follow_from_its_manifest(stage, recipe, details, expected):
    assert iterations_of({"stage": stage, "recipe": recipe, "details": details}) == expected


def test_learned_tokens_are_part_of_the_cost_of_their_images(judge, noisy, write):
    recipe = {"strategy": "class-name", "tokens": {"images": 5}, "diffusion": {"steps": 25}}
    tokens = manifest("tokens", recipe, count=2, run={"seconds": 60.0})
    learned = {"details": {"classes": [{"epochs": 1}, {"epochs": 3}]}}  # 500 steps in all
    paths = [*noisy, write("tokens/class-name.json", tokens | learned)]
    for name in ("eda", "prism"):  # eda has the strategy class-name, prism another
        sampled = manifest("synthesis", {"method": name, "diffusion": {"steps": 25}}, count=10, run={"seconds": 20.0})
        paths += [write(f"synthesis/{name}/shard-000{shard}.json", sampled) for shard in range(2)]
    paths = list(dict.fromkeys(paths))
    about = {"kind": "less", "left": "prism", "right": ["eda"], "factor": 2}
    (row,) = judge(claim(metric="iterations_per_image", **about), paths)
    assert (float(row["left_mean"]), float(row["right_mean"]), row["verdict"]) == (25, 25 + 500 / 20, "holds")
    (row,) = judge(claim(metric="seconds_per_image", **about), paths)
    assert (float(row["left_mean"]), float(row["right_mean"]), row["verdict"]) == (2, 5, "holds")


def test_pruned_accuracy_is_the_mean_over_sparsities_that_both_have(judge, pruned):
    (row,) = judge(claim(metric="pruned_accuracy", left="prism", right=["vanilla"]), pruned)
    assert float(row["left_mean"]) == pytest.approx(70) and row["left_n"] == "2" and row["of"] == ""
    (row,) = judge(claim(metric="pruned_accuracy", left="prism", right=["vanilla"]), pruned[:-1])
    assert row["right_n"] == "1"


def test_no_claims_or_no_results_are_refused(context, noisy):
    with pytest.raises(DataError, match="no claims; set claims_file"):
        build(collect(noisy), replace(context, claims={}))


def test_statements_may_run_over_several_lines(context, noisy):
    table = build(collect(noisy), context)
    assert 'class="prose"' in to_html(table) and "p{40mm}" in to_latex(table)


def test_the_verdict_stands_beside_the_statement_in_every_format(context, noisy):
    table = build(collect(noisy), context)
    header = {name: render(table) for name, render in FORMATS.items()}
    assert header["csv"].startswith("claim,statement,verdict,why,")
    assert "| Claim | Statement | Verdict | Why |" in header["md"]
    assert "Claim & Statement & Verdict & Why &" in header["tex"]
    heads = re.findall(r"<th scope=.col.[^>]*>([^<]*)</th>", header["html"])
    assert heads[:4] == ["Claim", "Statement", "Verdict", "Why"]


def test_claims_know_the_metrics_of_the_quality_table():
    metrics = set(ClaimMetric.__args__)
    assert metrics - {*SEEDED_METRICS, *COST_METRICS} == {column.key for column in quality.COLUMNS}


def test_every_shipped_claim_gives_a_row_and_a_verdict(project_root, monkeypatch, noisy, context):
    monkeypatch.chdir(project_root)
    config = load_config()
    rows = build(collect(noisy), replace(context, claims=config.claims, other_domains=("sketch",))).rows
    assert len(rows) >= len(config.claims) >= 20
    assert {row.cells["verdict"] for row in rows} <= {"holds", "does not hold", "undecided", "not run"}
    assert {method for one in config.claims.values() for method in one.methods} <= set(CLAIMED_METHODS)
