"""Prompt strategies: independent switches over the plain class name."""

from collections.abc import Sequence
from dataclasses import dataclass

from prism.prompts.phrases import PHOTO
from prism.seeds import derive, rng


@dataclass(frozen=True)
class Strategy:
    """Which parts of a prompt are written; with all off, the bare class name remains.

    Args:
        senses: name the sense of the class by its gloss (semantic disambiguation).
        contents: vary colour and context (content diversification).
        styles: vary the style (style diversification).
        token: name the class's learned token before its name (class alignment token).
        photo_share: expected share of photos where styles vary, in [0, 1].
        named: name the class; if not, every prompt is the same and the three are off (DiffDFKD).
    """

    senses: bool = False
    contents: bool = False
    styles: bool = False
    photo_share: float = 0.7
    named: bool = True
    token: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.photo_share <= 1:
            raise ValueError(f"photo_share={self.photo_share} must lie in [0, 1]")

    def style_of(self, seed: int, class_index: int, line_index: int, styles: Sequence[str]) -> str:
        """The style of one line. It depends on that line alone: more lines leave the first ones unchanged."""
        others = [style for style in styles if style != PHOTO]
        if not self.styles or not others:
            return PHOTO
        draw = rng(derive(seed, "style", class_index, line_index))
        return PHOTO if draw.random() < self.photo_share else others[int(draw.integers(len(others)))]
