"""From two sides' numbers to a verdict: one-sided paired tests over seeds, margins where there is one number a side.

Evidence is a pair of one-sided p-values, for the claim and for its opposite. A margin that is kept or broken is written
as a p-value of 0 or 1, so that both kinds of evidence combine by the same two rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

HOLDS, FAILS, UNDECIDED, NOT_RUN = "holds", "does not hold", "undecided", "not run"
LEVEL = 0.05  # of every test
_PAIRED_T = "paired t, one-sided"
_DIGITS = 12  # differences of equal numbers are 0, not what rounding leaves

Kind = Literal["greater", "less"]


@dataclass(frozen=True)
class Evidence:
    """One-sided p-values, for the claim and ``against`` it (that the opposite is true); how they came about."""

    p: float
    against: float
    test: str = ""
    why: str = ""
    tested: bool = False

    @property
    def verdict(self) -> str:
        """``holds``, ``does not hold`` (the opposite was shown) or ``undecided`` (neither was)."""
        return HOLDS if self.p < LEVEL else FAILS if self.against < LEVEL else UNDECIDED


def compare(
    left: Mapping[int, float],
    right: Mapping[int, float],
    kind: Kind,
    *,
    margin: float | None = None,
    factor: float | None = None,
    exact: bool = False,
) -> Evidence:
    """Is ``left`` greater (or less) than ``right``? Both are values by seed, of which the common ones count.

    Two seeds or more are tested. With one, ``margin`` or ``factor`` decides; without these nothing does. Of ``exact``
    numbers, which no chance moves, these are what is claimed: a smaller difference or ratio refutes it.
    """
    seeds = sorted(set(left) & set(right))
    if len(seeds) > 1:
        return paired_test([left[seed] for seed in seeds], [right[seed] for seed in seeds], kind)
    if not seeds:
        return Evidence(1, 1, why="no seed in common")
    one, other = left[seeds[0]], right[seeds[0]]
    if margin is not None:
        return _by_margin(one - other if kind == "greater" else other - one, margin, exact)
    if factor is not None:
        return _by_factor(*((one, other) if kind == "greater" else (other, one)), factor, exact)
    return Evidence(1, 1, why="one seed: no test")


def paired_test(left: Sequence[float], right: Sequence[float], kind: Kind) -> Evidence:
    """Student's one-sided t-test of paired values (Student 1908), n - 1 degrees of freedom.

    Where all pairs differ by the same there is no spread to measure the difference by: then the sign test of n pairs,
    p = 2^-n, or no evidence if they are equal. Scores are counts of few images, so that this comes about by chance.

    Raises:
        ValueError: fewer than two pairs.
    """
    if len(left) != len(right) or len(left) < 2:
        raise ValueError(f"left has {len(left)} values and right {len(right)}; two pairs or more are needed")
    differences = [round(one - other, _DIGITS) for one, other in zip(left, right, strict=True)]
    if len(set(differences)) == 1:
        if differences[0] == 0:
            return Evidence(1, 1, test=_PAIRED_T, why="no difference", tested=True)
        p, why = 0.5 ** len(differences), "all pairs differ by the same"
        in_favour = (differences[0] > 0) == (kind == "greater")
        return Evidence(*((p, 1) if in_favour else (1, p)), test="sign, one-sided", why=why, tested=True)
    from scipy import stats  # late: it takes seconds, and one table alone asks for it

    p = float(stats.ttest_rel(left, right, alternative=kind).pvalue)
    return Evidence(p, 1 - p, test=_PAIRED_T, tested=True)


def every(parts: Sequence[Evidence]) -> Evidence:
    """The claim that all of ``parts`` are true.

    Its p-value is the largest (intersection-union test; Berger 1982); that of the opposite, that one of them is
    reversed, the smallest times their number (Bonferroni).
    """
    p, against = max(part.p for part in parts), min(1.0, len(parts) * min(part.against for part in parts))
    return _joined(parts, p, against)


def some(parts: Sequence[Evidence]) -> Evidence:
    """The claim that one of ``parts`` is true: as ``every``, with the two sides exchanged."""
    p, against = min(1.0, len(parts) * min(part.p for part in parts)), max(part.against for part in parts)
    return _joined(parts, p, against)


def _joined(parts: Sequence[Evidence], p: float, against: float) -> Evidence:
    if len(parts) == 1:
        return parts[0]
    holding = sum(part.verdict == HOLDS for part in parts)
    why = f"{holding} of {len(parts)} comparisons {'holds' if holding == 1 else 'hold'}"
    tests = ", ".join(dict.fromkeys(part.test for part in parts if part.test))
    return Evidence(p, against, tests, why, all(part.tested for part in parts))


def _by_margin(lead: float, margin: float, exact: bool) -> Evidence:
    lead, test = round(lead, _DIGITS), f"margin {margin:g}{', exact' if exact else ''}"
    if lead >= margin:
        return Evidence(0, 1, test)
    if exact or lead <= -margin:
        return Evidence(1, 0, test, why=f"the lead is {lead:.3g}" if exact else "")
    return Evidence(1, 1, test, why=f"they differ by less than {margin:g}")


def _by_factor(ahead: float, behind: float, factor: float, exact: bool) -> Evidence:
    """Evidence that ``ahead`` is ``factor`` times ``behind`` or more."""
    test = f"factor {factor:g}{', exact' if exact else ''}"
    if ahead <= 0 or behind <= 0:
        return Evidence(1, 1, test, why="a ratio needs values above 0")
    ratio = round(ahead / behind, _DIGITS)
    if ratio >= factor:
        return Evidence(0, 1, test)
    if exact or round(behind / ahead, _DIGITS) >= factor:
        return Evidence(1, 0, test, why=f"the ratio is {ratio:.3g}" if exact else "")
    return Evidence(1, 1, test, why=f"their ratio is below {factor:g}")
