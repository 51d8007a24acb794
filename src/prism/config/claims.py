"""Section ``claims``: statements of the papers, as comparisons of numbers that a run either bears out or not."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from prism.config.base import Section, Slug, problems
from prism.config.names import SEEDED_METRICS, ClaimMetric


class ClaimConfig(Section):
    """One statement; the key of the section is its name in the table.

    What is compared is said in one of three ways: ``left`` against each of ``right``, each of ``order`` against the
    next, or ``pairs``. With several comparisons the claim holds if all of them do.
    """

    statement: str = Field(min_length=1, description="The claim in one sentence.")
    source: str = Field(min_length=1, description="Paper, and where in it.")
    mark: Literal["found", "second-hand", "ours"] = Field(
        description="Read in the paper or its repository, in a summary of it, or our wording of what it sets out to do."
    )
    kind: Literal["greater", "less"] = Field(description="What the left side is claimed to be.")
    metric: ClaimMetric = Field(
        description="accuracy, generalization, pruned_accuracy, a column of table quality, or a cost of synthesis."
    )
    left: Slug | None = Field(default=None, description="The method that the statement is about.")
    right: list[Slug] = Field(default=[], description="The methods that it is compared with, each by itself.")
    order: list[Slug] = Field(default=[], description="Methods in the order claimed; each is compared with the next.")
    pairs: list[tuple[Slug, Slug]] = Field(default=[], description="Comparisons as [left, right], one by one.")
    student: Slug | None = Field(
        default=None, description="Whose accuracy; null for the first of `students`. For accuracy and generalization."
    )
    domains: str | None = Field(
        default=None,
        description="With generalization: mean (default), all, any of the domains other than the teacher's, or one.",
    )
    margin: float | None = Field(
        default=None,
        gt=0,
        description="Of a metric with one value a method: least difference that counts, in the metric's unit.",
    )
    factor: float | None = Field(
        default=None,
        gt=1,
        description="The same as a ratio of the larger value to the smaller one; give margin or factor.",
    )

    @model_validator(mode="after")
    def _is_one_comparison(self) -> ClaimConfig:
        found = [*self._sides(), *self._judged(), *self._places()]
        if found:
            raise problems(*found)
        return self

    def _sides(self) -> list[tuple[str, str]]:
        ways = {"left and right": self.left or self.right, "order": self.order, "pairs": self.pairs}
        given = [name for name, value in ways.items() if value]
        if len(given) != 1:
            return [("", f"compares by {' and '.join(given) or 'nothing'}; give one of {', '.join(ways)}")]
        if bool(self.left) != bool(self.right):
            return [("right" if self.left else "left", "missing; left and right come together")]
        if len(self.order) == 1:
            return [("order", f"{self.order[0]} alone cannot be compared; name two methods or more")]
        same = next((left for left, right in self.comparisons if left == right), None)
        return [("", f"compares {same} with itself")] if same else []

    def _judged(self) -> list[tuple[str, str]]:
        both = [key for key in ("margin", "factor") if getattr(self, key) is not None]
        if self.metric in SEEDED_METRICS:
            return [(key, f"not used with {self.metric}, which is tested over seeds; leave it out") for key in both]
        if len(both) == 2:
            return [("margin", "given beside factor; one of them decides")]
        if not both:
            return [
                ("margin", f"missing; {self.metric} has one value a method: say which difference counts, or factor")
            ]
        return []

    def _places(self) -> list[tuple[str, str]]:
        found = []
        if self.domains is not None and self.metric != "generalization":
            found.append(("domains", f"not used with {self.metric}; leave it out"))
        if self.student is not None and self.metric not in ("accuracy", "generalization"):
            found.append(("student", f"not used with {self.metric}; leave it out"))
        return found

    @property
    def comparisons(self) -> list[tuple[str, str]]:
        """The methods that are compared: (left, right), in the order of the configuration."""
        if self.pairs:
            return list(self.pairs)
        if self.order:
            return list(zip(self.order, self.order[1:], strict=False))
        return [(self.left or "", right) for right in self.right]

    @property
    def methods(self) -> list[str]:
        """All methods that it names, each once."""
        return list(dict.fromkeys(method for pair in self.comparisons for method in pair))
