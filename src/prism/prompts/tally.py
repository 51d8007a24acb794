"""What became of the lines of a prompt file, for its manifest."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

_COUNTS = ("wanted", "asked", "accepted", "retried", "fallback", "repeated")


@dataclass
class Tally:
    """Counts of lines.

    Args:
        wanted: contents that the file needs.
        asked: lines asked of the language model, those of further rounds among them.
        accepted: lines of the model that became prompts.
        retried: lines asked in further rounds.
        fallback: contents that templates filled because the model wrote no good line.
        repeated: contents that are repetitions because the templates were used up.
        rejected: lines of the model that did not become prompts, by reason.
    """

    wanted: int = 0
    asked: int = 0
    accepted: int = 0
    retried: int = 0
    fallback: int = 0
    repeated: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Add the counts of ``other`` to this one."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.rejected.update(other.rejected)

    def as_dict(self) -> dict[str, Any]:
        """Plain counts, ready for JSON."""
        counts = {name: getattr(self, name) for name in _COUNTS}
        return {**counts, "rejected": dict(sorted(self.rejected.items()))}

    @classmethod
    def from_dict(cls, counts: dict[str, Any]) -> "Tally":
        """The tally that :meth:`as_dict` made."""
        return cls(*(int(counts[name]) for name in _COUNTS), Counter(counts["rejected"]))
