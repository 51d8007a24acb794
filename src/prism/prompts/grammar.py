"""The one line format of prompts: ``a STYLE of a COLOUR NAME, GLOSS, CONTEXT``.

Language models are asked for this format and their answers are taken apart by it. The prompt that goes on is
always composed anew from the parts, so that nothing else of an answer can reach the text encoder.
"""

import re
from dataclasses import dataclass

from prism.prompts.phrases import with_article

MAX_COLOUR_WORDS = 3
MAX_GLOSS_WORDS = 12

_THINKING = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL | re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*•]\s+|\(?\d{1,3}[.):]\s+)")
_GLOSS_BREAK = re.compile(r"[;,:(]|(?<=\w) (?=(?:noted|known|having|that|which|who|used)\b)")
_QUOTES = "\"'“”‘’` "
_LOOSE_ENDS = frozenset(
    "a an the of and or with for in on at to by from that which is noted its but be can while where".split()
)


@dataclass(frozen=True)
class Content:
    """What a prompt says beyond class and style. Either part may be empty."""

    colour: str = ""
    context: str = ""

    def __str__(self) -> str:
        return ", ".join(part for part in (self.colour, self.context) if part)


@dataclass(frozen=True)
class Parts:
    """A line taken apart: ``style`` without its article, ``rest`` the parts after the name, by commas."""

    style: str
    colour: str
    rest: tuple[str, ...]


def compose(*, style: str, name: str, gloss: str | None = None, content: Content | None = None) -> str:
    """One prompt, e.g. "a photo of a red crane, a wading bird, in the snow"."""
    content = content or Content()
    noun = with_article(f"{content.colour} {name}" if content.colour else name)
    return ", ".join(part for part in (f"{with_article(style)} of {noun}", gloss, content.context) if part)


def short_gloss(gloss: str) -> str:
    """The part of a dictionary gloss before its first break, of twelve words at most, without loose ends."""
    first = _GLOSS_BREAK.split(gloss, maxsplit=1)[0]
    words = first.split()[:MAX_GLOSS_WORDS]
    while len(words) > 1 and words[-1].lower() in _LOOSE_ENDS:
        words.pop()
    return " ".join(words)


def candidate_lines(answer: str) -> list[str]:
    """The lines of a language model's answer without thinking, bullets, numbers, quotes and final stops."""
    lines = _THINKING.sub("", answer).splitlines()
    lines = [_BULLET.sub("", line).strip(_QUOTES).rstrip(".").strip(_QUOTES) for line in lines]
    return [line for line in lines if line and not line.startswith("```")]


def mentions(line: str, name: str) -> bool:
    """Whether ``name`` stands in ``line`` as whole words, in any case."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line, re.IGNORECASE) is not None


def parse(line: str, name: str) -> Parts | None:
    """Take a line of the format apart; ``None`` if it is not of the format. Parts come in lower case."""
    head = re.compile(
        rf"(?:an? )?(?P<style>[\w' -]{{1,40}}?) of (?:(?:an?|the) )?"
        rf"(?P<colour>(?:(?!of )[\w'-]+ ){{0,{MAX_COLOUR_WORDS}}})"
        rf"{re.escape(name)}(?P<rest>(?:, *.*)?)",
        re.IGNORECASE,
    )
    match = head.fullmatch(" ".join(line.split()))
    if match is None:
        return None
    rest = tuple(part.strip().lower() for part in match["rest"].split(",") if part.strip())
    return Parts(match["style"].strip().lower(), match["colour"].strip().lower(), rest)
