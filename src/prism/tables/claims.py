"""Table ``claims``: the papers' statements, each with the numbers that decide it and a verdict computed from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from prism.config import ClaimConfig
from prism.config.names import COST_METRICS, COUNTED_METRICS
from prism.errors import DataError
from prism.tables.context import PERCENT, Context, filled, in_order, sources
from prism.tables.render import Cell, Column, Row, Table, summarize
from prism.tables.verdicts import LEVEL, NOT_RUN, Evidence, compare, every, some

# What is claimed and whether it holds stand side by side, at the left: a page may be too narrow for the rest.
COLUMNS = (
    Column("claim", "Claim"),
    Column("statement", "Statement", prose=True),
    Column("verdict", "Verdict"),
    Column("why", "Why", prose=True),
    Column("metric", "Metric"),
    Column("comparison", "Compared"),
    Column("of", "Of"),
    Column("left", "Left", 3),
    Column("right", "Right", 3),
    Column("difference", "Δ", 3, signed=True),
    Column("test", "Judged by"),
    Column("p", "p", 3),
    Column("source", "Source", prose=True),
    Column("mark", "Read in"),
)

STAGES = {"accuracy": "distillation", "generalization": "generalization", "pruned_accuracy": "pruning"}
MARKS = {"found": "the paper", "second-hand": "a summary", "ours": "our wording"}


@dataclass(frozen=True)
class Side:
    """One method's numbers, by seed (a single one without a seed has -1), and the files they come from."""

    values: dict[int, float]
    sources: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()  # full names of the metric, which state how it was measured


@dataclass(frozen=True)
class Compared:
    """One comparison, made."""

    left: str
    right: str
    of: str
    sides: tuple[Side, Side]
    evidence: Evidence


def build(frame: pd.DataFrame, context: Context) -> Table:
    """A row for each claim; below one of several comparisons a row for each of these.

    Raises:
        DataError: the configuration has no claims, or there is no result at all among the inputs.
    """
    if not context.claims:
        raise DataError("table claims: the configuration has no claims; set claims_file or claims")
    if frame.empty:
        raise DataError("table claims: no result among the inputs; run evaluation, distillation and generalization")
    rows: list[Row] = []
    for name, claim in context.claims.items():
        rows += _rows(name, claim, frame, context)
    return Table("claims", "The papers' claims", COLUMNS, tuple(rows), _notes())


def _rows(name: str, claim: ClaimConfig, frame: pd.DataFrame, context: Context) -> list[Row]:
    told = {"claim": name, "statement": claim.statement, "source": claim.source, "mark": MARKS[claim.mark]}
    told["metric"] = claim.metric
    places = _places(claim, context)
    groups: list[list[Compared]] = []
    missing: list[str] = []
    for left, right in claim.comparisons:
        lacking = [method for method in (left, right) if not _measured(claim, method, places, frame, context)]
        missing += lacking
        if not lacking:
            groups.append([_compared(claim, left, right, place, frame, context) for place in places])
    flat = [one for group in groups for one in group]
    if missing:
        told |= {"verdict": NOT_RUN, "why": _reason(claim, list(dict.fromkeys(missing)), context)}
        first = Row(told, rule_above=True)  # what can be compared stands below, but decides nothing
    elif len(flat) == 1:
        return [Row(filled({**told, **_numbers(flat[0], claim, context)}), _files(flat), rule_above=True)]
    else:
        within = some if claim.domains == "any" else every
        evidence = every([within([one.evidence for one in group]) for group in groups])
        first = Row(filled({**told, **_judged(evidence)}), _files(flat), rule_above=True)
    parts = [
        Row(
            filled({"claim": f"{name}/{index}", "metric": claim.metric, **_numbers(one, claim, context)}),
            _files([one]),
        )
        for index, one in enumerate(flat, start=1)
    ]
    return [first, *parts]


def _files(compared: Sequence[Compared]) -> tuple[str, ...]:
    return tuple(sorted({file for one in compared for side in one.sides for file in side.sources}))


def _measured(claim: ClaimConfig, method: str, places: list[list[str]], frame: pd.DataFrame, context: Context) -> bool:
    """Whether a method is run and has numbers wherever the claim looks at it."""
    sides = [_side(claim, method, place, frame, context) for place in places]
    return method in context.methods and bool(sides) and all(side.values for side in sides)


def _reason(claim: ClaimConfig, missing: list[str], context: Context) -> str:
    absent = [method for method in missing if method not in context.methods]
    unmeasured = [method for method in missing if method in context.methods]
    reasons = [f"not in this experiment: {', '.join(absent)}"] if absent else []
    if unmeasured and not _places(claim, context):
        reasons.append("no domain but the teacher's own")
    elif unmeasured:
        reasons.append(f"{claim.metric} not measured for {', '.join(unmeasured)}")
    return "; ".join(reasons)


def _compared(
    claim: ClaimConfig, left: str, right: str, place: Sequence[str], frame: pd.DataFrame, context: Context
) -> Compared:
    sides = (_side(claim, left, place, frame, context), _side(claim, right, place, frame, context))
    least = {"margin": claim.margin, "factor": claim.factor, "exact": claim.metric in COUNTED_METRICS}
    evidence = compare(sides[0].values, sides[1].values, claim.kind, **least)
    if sides[0].names != sides[1].names:
        names = ", ".join(sorted(sides[0].names | sides[1].names))
        evidence = Evidence(1, 1, why=f"measured unlike each other: {names}")
    student = _student(claim, frame, context)
    where = [context.student_label(student)] if student else []
    where += list(place) if len(place) == 1 else [f"mean of {len(place)} domains"] if place else []
    shared = set(sides[0].values) & set(sides[1].values)
    where += [f"images of {len(shared)} seeds"] if claim.metric not in STAGES and len(shared) > 1 else []
    return Compared(left, right, ", ".join(where), sides, evidence)


def _places(claim: ClaimConfig, context: Context) -> list[list[str]]:
    """The domains of each comparison, over which its numbers are averaged; one without domains for other metrics."""
    if claim.metric != "generalization":
        return [[]]
    others = list(context.other_domains)
    if claim.domains in (None, "mean"):
        return [others] if others else []
    return [[name] for name in others] if claim.domains in ("any", "all") else [[claim.domains]]


def _student(claim: ClaimConfig, frame: pd.DataFrame, context: Context) -> str | None:
    """The student whose scores count: the one that is named, else the first in the configuration."""
    if claim.metric not in ("accuracy", "generalization"):
        return None
    scored = frame[frame["stage"] == STAGES[claim.metric]]["student"]
    return claim.student or next(iter(in_order(scored, context.students)), None)


def _side(claim: ClaimConfig, method: str, place: Sequence[str], frame: pd.DataFrame, context: Context) -> Side:
    """The numbers of one method; of several domains or sparsities the mean, over seeds that have them all."""
    own = frame[frame["method"] == method]
    if claim.metric in COST_METRICS:
        return _cost(own[own["stage"] == "synthesis"], frame, claim.metric, method, context)
    if claim.metric not in STAGES:
        own = own[(own["stage"] == "evaluation") & (own["metric"] == claim.metric)]
        return Side(dict(zip(own["seed"], own["value"], strict=True)), sources(own), frozenset(own["full_name"]))
    own = own[(own["stage"] == STAGES[claim.metric]) & (own["metric"] == "accuracy")]
    student = _student(claim, frame, context)
    if student is not None:
        own = own[own["student"] == student]
    if claim.metric == "pruned_accuracy":
        scores = (frame["stage"] == "pruning") & (frame["metric"] == "accuracy")  # other rows are no sparsity's
        place = sorted(set(frame[scores]["domain"]))
    if place:
        own = own[own["domain"].isin(place)]
    values = {
        int(seed): float(of_seed["value"].mean()) * PERCENT
        for seed, of_seed in own.groupby("seed")
        if len(of_seed) == max(1, len(place))
    }
    return Side(values, sources(own))


def _cost(own: pd.DataFrame, frame: pd.DataFrame, metric: str, method: str, context: Context) -> Side:
    """What an image costs: over all shards, with the tokens that were learned; seconds with the competitor's too."""
    tokens = frame[(frame["stage"] == "tokens") & (frame["method"] == context.strategies.get(method, ""))]
    shards = own[own["metric"] == "count"]
    if metric == "iterations_per_image":
        stated = own[own["metric"] == metric]
        learned = tokens[tokens["metric"] == "iterations"]
        if stated.empty or shards.empty:
            return Side({})
        counts = shards.set_index("domain")["value"]
        of_images = stated.set_index("domain")["value"].mul(counts).dropna()  # shards may differ
        value = (float(of_images.sum()) + float(learned["value"].sum())) / float(counts[of_images.index].sum())
        return Side({-1: value}, sources(stated, learned))
    seconds = own[own["metric"] == "seconds"]
    timed = shards[shards["domain"].isin(seconds["domain"])]
    competitor = (frame["stage"] == "inversion") & (frame["method"] == method)
    learned = pd.concat([tokens, frame[competitor]])
    learned = learned[learned["metric"] == "seconds"]
    if not timed["value"].sum():
        return Side({})
    value = (float(seconds["value"].sum()) + float(learned["value"].sum())) / float(timed["value"].sum())
    return Side({-1: value}, sources(seconds, learned))


def _numbers(one: Compared, claim: ClaimConfig, context: Context) -> dict[str, Cell | str | None]:
    """The cells of one comparison: both sides and their difference over the seeds that both have."""
    left, right = (side.values for side in one.sides)
    seeds = sorted(set(left) & set(right))
    sign = ">" if claim.kind == "greater" else "<"
    return {
        "comparison": f"{context.label(one.left)} {sign} {context.label(one.right)}",
        "of": one.of or None,
        "left": summarize([left[seed] for seed in seeds] or list(left.values())),
        "right": summarize([right[seed] for seed in seeds] or list(right.values())),
        "difference": summarize([left[seed] - right[seed] for seed in seeds]) if seeds else None,
        **_judged(one.evidence),
    }


def _judged(evidence: Evidence) -> dict[str, Cell | str | None]:
    p = Cell(evidence.p) if evidence.tested else None
    return {"test": evidence.test or None, "p": p, "verdict": evidence.verdict, "why": evidence.why or None}


def _notes() -> tuple[str, ...]:
    return (
        "Metrics with a value a seed: one-sided paired t-test over the seeds that both sides have. A claim holds if "
        f"p < {LEVEL}, does not hold if the opposite has such a p, and is undecided otherwise; one seed says nothing. "
        "Pairs that all differ by the same are judged by the sign test. "
        "Seeds differ in the student's training (or the fine-tuning), not in the images: verdicts are on these images.",
        "Metrics of images have a value for each seed of the images, of which an experiment has one: with replicates "
        "(tables.replicates) they are tested as above. One value a method cannot be tested: a claim holds if the "
        "difference is as large as the margin (or the ratio as the factor) that it states, does not hold if so the "
        "other way round, and is undecided between; also where the two sides were measured by different protocols. "
        "Iterations are counted: there the statement's own difference or ratio decides exactly.",
        "Of several comparisons (rows with a number after the slash) all must hold, and p is the largest; where one of "
        "several domains is enough, the smallest times their number. No correction for the number of claims. Where a "
        "method was not run, the other comparisons are shown and the claim is not judged.",
        "Accuracies in %. Left, Right: mean ± standard deviation over seeds; Δ: left minus right, paired by seed.",
    )
