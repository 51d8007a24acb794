"""How long a prompt may be: counted by the text encoder's own tokenizer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from transformers import AutoTokenizer

from prism.errors import ModelError
from prism.models.hub import out_of_reach, refusal
from prism.models.pseudo_words import add_to_tokenizer


@dataclass(frozen=True)
class TokenBudget:
    """``count(prompt)`` tokens, special ones among them, must be at most ``max_tokens``."""

    count: Callable[[str], int]
    max_tokens: int


def token_budget(pipeline: str, revision: str | None = None, pseudo_words: int = 0) -> TokenBudget:
    """The budget of a diffusion pipeline (folder or hub id), from its ``tokenizer`` subfolder.

    Each of ``pseudo_words`` learned words, one for each class, counts as the one token that it will be.

    Raises:
        ModelError: the pipeline has no such tokenizer.
    """
    local = Path(pipeline).is_dir()
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            pipeline,
            subfolder="tokenizer",
            revision=None if local else revision,
            local_files_only=local,
            trust_remote_code=False,
        )
    except Exception as error:  # transformers raises many kinds for one cause: files that are not a tokenizer
        if out_of_reach(error):
            raise refusal("diffusion.pipeline", pipeline, error) from error
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"diffusion pipeline {pipeline}: no tokenizer to count prompts with: {reason}") from error
    if pseudo_words:
        add_to_tokenizer(tokenizer, pseudo_words)
    return TokenBudget(lambda prompt: len(tokenizer(prompt)["input_ids"]), int(tokenizer.model_max_length))
