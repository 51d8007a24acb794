"""Claims and pruning in the configuration: each mistake is one line that says what would be right."""

from __future__ import annotations

import pytest

from prism.config.names import CLAIMED_METHODS

from .conftest import load, mistakes

CLAIM = {"statement": "A.", "source": "B.", "mark": "ours", "kind": "greater", "metric": "accuracy"}
SIDES = {"left": "prism", "right": ["vanilla"]}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (SIDES | {"metrc": "fid"}, "claims.it.metrc is not a key; did you mean metric?"),
        (SIDES | {"metric": "fidd"}, "did you mean fid?"),
        (SIDES | {"kind": "more"}, "claims.it.kind=more is not one of greater, less"),
        (SIDES | {"mark": "guessed"}, "claims.it.mark=guessed is not one of found, second-hand, ours"),
        ({"left": "prsm", "right": ["vanilla"]}, "claims.it: prsm is not a method; did you mean prism?"),
        ({"order": ["ddis", "deepinversoin"]}, "claims.it: deepinversoin is not a method; did you mean deepinversion?"),
        (SIDES | {"student": "minature-student"}, "claims.it.student: minature-student is not a student; did you mean"),
        (
            SIDES | {"metric": "generalization", "domains": "skech"},
            "claims.it.domains: skech is not a domain; did you mean sketch?",
        ),
        ({}, "claims.it: compares by nothing; give one of left and right, order, pairs"),
        (SIDES | {"order": ["a", "b"]}, "claims.it: compares by left and right and order; give one of"),
        ({"left": "prism"}, "claims.it.right: missing; left and right come together"),
        ({"right": ["prism"]}, "claims.it.left: missing; left and right come together"),
        ({"order": ["prism"]}, "claims.it.order: prism alone cannot be compared"),
        ({"pairs": [["prism", "prism"]]}, "claims.it: compares prism with itself"),
        (SIDES | {"metric": "fid"}, "claims.it.margin: missing; fid has one value a method"),
        (SIDES | {"metric": "fid", "margin": 1, "factor": 2}, "claims.it.margin: given beside factor"),
        (SIDES | {"metric": "fid", "factor": 1}, "claims.it.factor=1 should be greater than 1"),
        (SIDES | {"margin": 1}, "claims.it.margin: not used with accuracy, which is tested over seeds"),
        (SIDES | {"domains": "any"}, "claims.it.domains: not used with accuracy"),
        (SIDES | {"metric": "recall", "margin": 0.1, "student": "a"}, "claims.it.student: not used with recall"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
def test_a_mistake_in_a_claim_is_one_line(fields, message):
    found = mistakes(claims={"it": CLAIM | fields})
    assert len(found) == 1 and message in found[0]


def test_a_claim_needs_its_statement_and_source():
    assert mistakes(claims={"it": {"kind": "less", "metric": "accuracy", "mark": "ours", **SIDES}}) == [
        "config: claims.it.statement is missing: The claim in one sentence.",
        "config: claims.it.source is missing: Paper, and where in it.",
    ]


def test_papers_methods_may_be_claimed_about_though_no_recipe_makes_them():
    methods = dict.fromkeys(("vanilla+eda", "prism-no-styles"))  # null removes them
    config = load(methods=methods, run=["prism"], claims={"it": CLAIM | {"order": list(CLAIMED_METHODS)}})
    assert config.claims["it"].comparisons[0] == (CLAIMED_METHODS[0], CLAIMED_METHODS[1])


def test_a_method_of_the_user_s_own_may_be_claimed_about_and_an_entry_removed():
    mine = {"mine": {"prompts": "senses"}}
    config = load(methods=mine, claims={"it": CLAIM | {"left": "mine", "right": ["prism"]}, "eda-precision": None})
    assert config.claims["it"].methods == ["mine", "prism"] and "eda-precision" not in config.claims


def test_pairs_orders_and_sides_are_comparisons():
    claims = {
        "sides": CLAIM | {"left": "prism", "right": ["vanilla", "ddis"]},
        "order": CLAIM | {"order": ["prism", "ddis", "vanilla"]},
        "pairs": CLAIM | {"pairs": [["prism", "vanilla"], ["ddis", "real"]]},
    }
    config = load(claims=claims)
    assert config.claims["sides"].comparisons == [("prism", "vanilla"), ("prism", "ddis")]
    assert config.claims["order"].comparisons == [("prism", "ddis"), ("ddis", "vanilla")]
    assert config.claims["pairs"].comparisons == [("prism", "vanilla"), ("ddis", "real")]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sparsities": [0.5, 1.0]}, "pruning.sparsities: 1 should be above 0, below 1"),
        ({"sparsities": [0.555]}, "pruning.sparsities: 0.555 should be above 0, below 1, and have at most two digits"),
        ({"sparsities": [0.5, 0.5]}, "pruning.sparsities: 0.5 is given twice"),
        ({"sparsities": []}, "pruning.sparsities is empty"),
        ({"kind": "structurd"}, "did you mean structured?"),
        ({"methods": ["prsm"]}, "pruning.methods[0]: prsm is not in run; did you mean prism?"),
        ({"seeds": [-1]}, "pruning.seeds: -1 is negative"),
        ({"epoch": 3}, "pruning.epoch is not a key; did you mean epochs?"),
    ],
)
def test_a_mistake_in_pruning_is_one_line(fields, message):
    found = mistakes(pruning=fields)
    assert len(found) == 1 and message in found[0]


def test_pruning_is_off_unless_asked_for_and_its_recipe_is_its_own():
    with pytest.raises(ValueError, match="not run"):
        load().recipe("pruning", method="prism")
    plain, other = load(pruning={}), load(pruning={"sparsities": [0.3], "seeds": [4], "methods": ["prism"]})
    assert plain.recipe("pruning", method="prism") == other.recipe("pruning", method="prism")
    assert plain.recipe("pruning", method="prism") != load(pruning={"epochs": 3}).recipe("pruning", method="prism")
    for stage in ("synthesis", "evaluation"):
        assert plain.recipe(stage, method="prism") == load().recipe(stage, method="prism")


def test_claims_change_their_own_table_alone():
    plain, other = load(), load(claims={"eda-precision": {"margin": 0.2}})
    assert plain.recipe("claims") != other.recipe("claims")
    assert plain.recipe("tables") == other.recipe("tables")
    assert plain.recipe("evaluation", method="prism") == other.recipe("evaluation", method="prism")
