"""Which lines of a language model become prompts, and why the others do not."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from prism.config.prompts import is_clean
from prism.prompts.grammar import Content, candidate_lines, compose, mentions, parse
from prism.prompts.phrases import PHOTO

EMPTY = "empty"
MARKUP = "banned markup"
CHARSET = "charset"
NO_NAME = "no class name"
FORMAT = "format"
STYLE = "unknown style"
SENSE = "wrong sense"
LENGTH = "too long"
DUPLICATE = "duplicate"
REASONS: tuple[str, ...] = (EMPTY, MARKUP, CHARSET, NO_NAME, FORMAT, STYLE, SENSE, LENGTH, DUPLICATE)

MAX_CONTEXT_WORDS = 16
# Weights ("(red:1.4)"), embeddings ("<x>"), links and code mean something to prompt parsers: keep them out.
_MARKUP = re.compile(r"[<>{}\[\]|\\`#*_=@^~]|https?:|www\.|:\s*-?\d|\b(?:lora|nsfw|nude|naked|gore|watermark)\b", re.I)
_COMMON = frozenset("a an the of and or with for in on at to by from that used small large tall open very".split())


def content_words(text: str) -> frozenset[str]:
    """The words of a gloss that tell one sense from another."""
    return frozenset(re.findall(r"[^\W\d_]+", text.lower())) - _COMMON


@dataclass(frozen=True)
class Wish:
    """What a line was asked for: a class by ``name`` (and ``gloss``, if its sense is named) in a style.

    ``pseudo_word`` is put before the name in prompts; a language model never hears of it.
    """

    name: str
    gloss: str | None
    style: str
    other_glosses: tuple[str, ...] = ()
    pseudo_word: str = ""

    @property
    def noun(self) -> str:
        """The name as it stands in a prompt: behind the class's learned word, if it has one."""
        return f"{self.pseudo_word} {self.name}" if self.pseudo_word else self.name

    def foreign_words(self) -> frozenset[str]:
        """Words that belong to the other senses of ``name`` and not to this one."""
        own = content_words(self.name) | content_words(self.gloss or "")
        return frozenset().union(*map(content_words, self.other_glosses)) - own


@dataclass
class Validator:
    """Judges lines one by one and remembers the prompts it let through, per class.

    Args:
        token_count: tokens of a prompt by the text encoder's own tokenizer, with its two special tokens.
        max_tokens: how many of them the text encoder reads.
        longest_style: contents may be used again in another style, so they must fit in this one, too.
    """

    token_count: Callable[[str], int]
    max_tokens: int
    longest_style: str = PHOTO
    seen: dict[int, set[str]] = field(default_factory=dict)

    def judge(self, line: str, wish: Wish, class_index: int) -> tuple[Content | None, str | None]:
        """``(content, None)`` for a good line, ``(None, reason)`` for another, from :data:`REASONS`."""
        stripped = candidate_lines(line)
        if not stripped:
            return None, EMPTY
        line = stripped[0]
        if _MARKUP.search(line):
            return None, MARKUP
        if not is_clean(line):
            return None, CHARSET
        if not mentions(line, wish.name):
            return None, NO_NAME
        parts = parse(line, wish.name)
        if parts is None:
            return None, FORMAT
        if parts.style != wish.style.lower():
            return None, STYLE
        context = self._context(", ".join(parts.rest), wish)
        said = content_words(f"{parts.colour} {context or ''}")
        if context is None or said & wish.foreign_words():
            return None, SENSE
        content = Content(parts.colour, context)
        if not str(content):
            return None, EMPTY
        return self.admit(content, wish, class_index)

    def admit(self, content: Content, wish: Wish, class_index: int) -> tuple[Content | None, str | None]:
        """Judge the length and novelty of a content, and remember it if it is good."""
        prompt = compose(style=wish.style, name=wish.noun, gloss=wish.gloss, content=content)
        longest = compose(style=self.longest_style, name=wish.noun, gloss=wish.gloss, content=content)
        if len(content.context.split()) > MAX_CONTEXT_WORDS or not (self._fits(prompt) and self._fits(longest)):
            return None, LENGTH
        known = self.seen.setdefault(class_index, set())
        if prompt in known:
            return None, DUPLICATE
        known.add(prompt)
        return content, None

    def _fits(self, prompt: str) -> bool:
        return self.token_count(prompt) <= self.max_tokens

    @staticmethod
    def _context(rest: str, wish: Wish) -> str | None:
        """What follows the gloss; ``None`` if another gloss stands in its place."""
        gloss = (wish.gloss or "").lower()
        if gloss and (rest == gloss or rest.startswith(f"{gloss}, ")):
            rest = rest[len(gloss) :].lstrip(", ")
        # A context opens with a preposition or adverb; a noun phrase here is an apposition: another sense.
        if re.match(r"(?:an?|the) ", rest):
            return None
        return rest
