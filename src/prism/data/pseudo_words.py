"""Pseudo-words: words of a prompt that have a learned embedding of their own, one for each class.

Diffusers names the rows of one textual inversion ``<align>``, ``<align>_1``, ``<align>_2`` and so on. The bare name
stands for all of them together, so class ``c`` has ``<align>_{c + 1}``: known from its index alone, before anything
is learned.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from prism.errors import PromptError

STEM = "<align>"
_WRITTEN = re.compile(rf"{STEM}(?:_\d+)?")


def pseudo_word(class_index: int) -> str:
    """The word of a class, e.g. ``<align>_8`` for class 7."""
    return f"{STEM}_{class_index + 1}"


def check_prompts(prompts: Iterable[tuple[int, str]], *, learned: bool, path: Path) -> None:
    """Refuse prompts with a word that they must not have, or without the one that they must have.

    Args:
        prompts: class index and prompt of each image.
        learned: whether each prompt should name its class's pseudo-word; else none.
        path: the prompt file, for the message.

    Raises:
        PromptError: naming the class, the prompt and the word.
    """
    for index, prompt in prompts:
        found, wanted = _WRITTEN.findall(prompt), [pseudo_word(index)] if learned else []
        if found == wanted:
            continue
        said = ", ".join(found) or "none"
        right = f"it should name {wanted[0]}, once" if learned else "its strategy has no learned tokens"
        raise PromptError(f"{path}: class {index}: the prompt {prompt!r} names the learned token {said}; {right}")
