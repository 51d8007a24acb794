"""Verdicts: p-values as SciPy gives them and as computed by hand, margins, and how comparisons combine."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from prism.tables.verdicts import FAILS, HOLDS, UNDECIDED, Evidence, compare, every, paired_test, some

LEFT, RIGHT = [0.70, 0.74, 0.69], [0.65, 0.66, 0.66]


def by_seed(values):
    return dict(enumerate(values))


@pytest.mark.parametrize("kind", ["greater", "less"])
def test_p_is_scipy_s(kind):
    expected = stats.ttest_rel(LEFT, RIGHT, alternative=kind).pvalue
    assert paired_test(LEFT, RIGHT, kind).p == pytest.approx(float(expected), rel=1e-12)


def test_p_of_three_pairs_by_hand():
    # differences 1, 2, 3: mean 2, sd 1, t = 2 sqrt(3), two degrees of freedom, where
    # P(T > t) = 1/2 - t / (2 sqrt(2 + t^2))
    t = 2 * math.sqrt(3)
    expected = 0.5 - t / (2 * math.sqrt(2 + t * t))
    found = paired_test([11, 22, 33], [10, 20, 30], "greater")
    assert found.p == pytest.approx(expected, rel=1e-9) and found.against == pytest.approx(1 - expected)
    assert found.p == pytest.approx(0.0371, abs=1e-4) and found.verdict == HOLDS


def test_p_of_two_pairs_by_hand():
    # one degree of freedom is Cauchy's distribution: P(T > t) = 1/2 - arctan(t) / pi; differences 1 and 3 give t = 2
    found = paired_test([2, 5], [1, 2], "greater")
    assert found.p == pytest.approx(0.5 - math.atan(2) / math.pi, rel=1e-9)
    assert found.verdict == UNDECIDED


def test_the_opposite_shown_does_not_hold_and_neither_shown_is_undecided():
    assert paired_test([33, 22, 11], [36, 24, 12], "greater").verdict == FAILS
    assert paired_test([33, 22, 11], [36, 24, 12], "less").verdict == HOLDS
    assert paired_test([1, 2, 3], [2, 2, 2], "greater").verdict == UNDECIDED


def test_ties_are_no_evidence_even_where_rounding_makes_them_differ():
    found = compare(by_seed([0.1 + 0.2, 0.5, 0.6]), by_seed([0.3, 0.5, 0.6]), "greater")
    assert (found.p, found.against, found.verdict, found.why) == (1, 1, UNDECIDED, "no difference")


def test_pairs_that_all_differ_by_the_same_are_judged_by_their_signs():
    # two seeds that differ by one image of 400 each show little; scipy's binomial test is the sign test
    two = compare(by_seed([0.9385, 0.9215]), by_seed([0.9380, 0.9210]), "greater")
    assert (two.p, two.verdict, two.why) == (0.25, UNDECIDED, "all pairs differ by the same")
    five = by_seed([0.58, 0.59, 0.57, 0.60, 0.61]), by_seed([0.50, 0.51, 0.49, 0.52, 0.53])
    expected = float(stats.binomtest(5, 5, alternative="greater").pvalue)
    assert compare(*five, "greater").p == expected and compare(*five, "greater").verdict == HOLDS
    assert compare(*five, "less").against == expected and compare(*five, "less").verdict == FAILS


def test_only_common_seeds_are_paired():
    found = compare({0: 11, 1: 22, 2: 33, 7: -99}, {0: 10, 1: 20, 2: 30, 8: 99}, "greater")
    assert found == paired_test([11, 22, 33], [10, 20, 30], "greater")
    assert compare({0: 1.0, 1: 2.0}, {2: 0.0}, "greater").why == "no seed in common"


def test_one_seed_decides_nothing():
    found = compare({0: 0.9}, {0: 0.1}, "greater")
    assert (found.verdict, found.why, found.tested) == (UNDECIDED, "one seed: no test", False)


@pytest.mark.parametrize(
    ("left", "kind", "verdict"),
    [
        (0.53, "greater", HOLDS),  # exactly the margin counts
        (0.529, "greater", UNDECIDED),
        (0.5, "greater", UNDECIDED),
        (0.471, "greater", UNDECIDED),
        (0.47, "greater", FAILS),
        (0.47, "less", HOLDS),
        (0.53, "less", FAILS),
    ],
)
def test_a_margin_decides_single_values_the_same_both_ways(left, kind, verdict):
    assert compare({-1: left}, {-1: 0.5}, kind, margin=0.03).verdict == verdict


@pytest.mark.parametrize(
    ("left", "kind", "verdict"),
    [
        (25.0, "less", HOLDS),
        (40.0, "less", UNDECIDED),
        (100.0, "less", FAILS),
        (100.0, "greater", HOLDS),
        (0.0, "less", UNDECIDED),
        (-3.0, "less", UNDECIDED),
    ],
)
def test_a_factor_decides_by_the_ratio(left, kind, verdict):
    assert compare({-1: left}, {-1: 50.0}, kind, factor=2).verdict == verdict


@pytest.mark.parametrize(
    ("left", "kind", "verdict"), [(30.0, "less", HOLDS), (61.75, "less", FAILS), (3000.0, "less", FAILS)]
)
def test_a_count_that_misses_what_is_claimed_refutes_it(left, kind, verdict):
    assert compare({-1: left}, {-1: 300.0}, kind, factor=10, exact=True).verdict == verdict
    assert compare({-1: 300 - left}, {-1: 0.0}, "greater", margin=270, exact=True).verdict == verdict


def test_several_values_are_tested_though_there_is_a_margin():
    assert compare(by_seed(LEFT), by_seed(RIGHT), "greater", margin=9).tested


STRONG, WEAK, OPPOSITE = Evidence(0.01, 0.99), Evidence(0.04, 0.96), Evidence(0.99, 0.01)
NOTHING = Evidence(0.5, 0.5)


def test_all_must_hold_and_the_weakest_decides():
    assert every([STRONG, WEAK]).p == 0.04 and every([STRONG, WEAK]).verdict == HOLDS
    assert every([STRONG, NOTHING]).verdict == UNDECIDED
    assert every([STRONG, OPPOSITE]).verdict == FAILS
    # one of four reversed at p = 0.02 is what chance alone brings
    assert every([STRONG, STRONG, STRONG, Evidence(0.98, 0.02)]).verdict == UNDECIDED


def test_one_is_enough_but_must_be_stronger_the_more_there_are():
    assert some([STRONG, OPPOSITE]).p == 0.02 and some([STRONG, OPPOSITE]).verdict == HOLDS
    assert some([WEAK, NOTHING]).verdict == UNDECIDED
    assert some([OPPOSITE, OPPOSITE]).verdict == FAILS
    assert some([OPPOSITE, NOTHING]).verdict == UNDECIDED


def test_a_single_comparison_is_what_it_is():
    assert every([WEAK]) is WEAK and some([WEAK]) is WEAK


def test_fewer_than_two_pairs_are_no_test():
    with pytest.raises(ValueError, match="two pairs"):
        paired_test([1.0], [2.0], "greater")
