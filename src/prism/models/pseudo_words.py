"""Embeddings of pseudo-words: in a text encoder, and in a file.

A file has the format of diffusers' textual inversion, which ``load_textual_inversion`` reads: one tensor under one
name. Its row 0 is the ordinary word that all of them started from, row ``c + 1`` the word of class ``c``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from prism.artifacts import read_manifest, verify, write_bytes
from prism.data.pseudo_words import STEM, pseudo_word
from prism.errors import ModelError

if TYPE_CHECKING:
    from prism.models.diffusion import TextToImage


def add_to_tokenizer(tokenizer: PreTrainedTokenizerBase, classes: int) -> list[int]:
    """Make the word of each class one token, and return their numbers, which follow those of all other tokens.

    Raises:
        ModelError: the tokenizer has such words already.
    """
    words = [pseudo_word(index) for index in range(classes)]
    known = tokenizer.get_vocab()
    taken = next((word for word in words if word in known), None)
    if taken is not None:
        raise ModelError(f"diffusion.pipeline: its tokenizer knows {taken} already; take one without learned tokens")
    tokenizer.add_tokens(words)
    return [int(number) for number in tokenizer.convert_tokens_to_ids(words)]


class PseudoWordEmbedding(nn.Module):
    """A token embedding with rows of its own for the pseudo-words, beside the frozen table of all other tokens.

    Args:
        table: the text encoder's embedding; it stays as it is.
        rows: (classes, width), the pseudo-words'; copied.
        first: the number of the first pseudo-word's token; the others follow.
    """

    def __init__(self, table: nn.Embedding, rows: Tensor, first: int) -> None:
        super().__init__()
        self.table, self.first = table, first
        self.rows = nn.Parameter(rows.detach().clone(), requires_grad=False)

    @property
    def weight(self) -> Tensor:
        """The table of the tokens that are not learned, as callers of an ``nn.Embedding`` look for it."""
        return self.table.weight

    def forward(self, ids: Tensor) -> Tensor:
        """Token numbers (..., tokens) to embeddings (..., tokens, width)."""
        learned = ids >= self.first
        own = self.rows[(ids - self.first).clamp(min=0)]
        return torch.where(learned[..., None], own, self.table(ids.clamp(max=self.first - 1)))


def add_pseudo_words(model: TextToImage, rows: Tensor) -> PseudoWordEmbedding:
    """Teach ``model`` the word of each class; its weights stay as they are.

    Args:
        model: tokenizer and text encoder are changed in place.
        rows: (classes, width), moved to the model's device.

    Raises:
        ModelError: the rows have another width than the text encoder, or it knows such words already.
    """
    table = model.text_encoder.get_input_embeddings()
    if rows.shape[1] != table.weight.shape[1]:
        raise ModelError(
            f"tokens: learned with {rows.shape[1]} features a token, the text encoder of diffusion.pipeline has "
            f"{table.weight.shape[1]}"
        )
    first = add_to_tokenizer(model.tokenizer, len(rows))[0]
    embedding = PseudoWordEmbedding(table, rows.to(table.weight), first).to(model.device)
    model.text_encoder.set_input_embeddings(embedding)
    return embedding


def initial_row(model: TextToImage, word: str) -> Tensor:
    """The embedding (width,) of an ordinary word, a copy.

    Raises:
        ModelError: the text encoder has no single token for it.
    """
    numbers = model.tokenizer(word, add_special_tokens=False).input_ids
    if len(numbers) != 1:
        raise ModelError(f"tokens.initial: {word!r} is {len(numbers)} tokens to diffusion.pipeline; name a word of one")
    return model.text_encoder.get_input_embeddings().weight[numbers[0]].detach().clone()


def write_pseudo_words(path: Path, initial: Tensor, rows: Tensor) -> None:
    """Write the words' embeddings, whole or not at all.

    Args:
        path: the ``.safetensors`` file.
        initial: (width,), the word that they started from.
        rows: (classes, width).
    """
    table = torch.cat([initial[None], rows]).detach().float().cpu().contiguous()  # (1 + classes, width)
    write_bytes(path, safetensors.torch.save({STEM: table}))


def read_pseudo_words(path: Path, classes: int, pipeline: str | None = None) -> Tensor:
    """The embeddings (classes, width) of a file that :func:`write_pseudo_words` wrote, fp32 on the CPU.

    Args:
        path: the ``.safetensors`` file.
        classes: length of the class list.
        pipeline: hash of the text-to-image model that must be the one they were learned on; None for any.

    Raises:
        ModelError: the file is missing, damaged, holds another token, or not a row for each class.
        ShardError: the manifest beside the file states another hash.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file of learned tokens; run the rule learn_tokens first")
    manifest = path.with_suffix(".json")
    if manifest.exists():
        verify(manifest)
        if pipeline is not None and read_manifest(manifest).models.get("pipeline", pipeline) != pipeline:
            raise ModelError(f"{path}: was learned on another pipeline than diffusion.pipeline; learn it again")
    try:
        held = safetensors.torch.load_file(path, device="cpu")
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path}: not a whole safetensors file ({str(error).splitlines()[0]})") from error
    if list(held) != [STEM] or held[STEM].dim() != 2:
        raise ModelError(f"{path}: holds {', '.join(held) or 'nothing'}, not rows of the token {STEM} alone")
    rows = held[STEM][1:].float()
    if len(rows) != classes:
        raise ModelError(f"{path}: has learned tokens for {len(rows)} classes, the class list has {classes}")
    bad = torch.nonzero(~rows.isfinite().all(dim=1)).flatten().tolist()
    if bad:
        raise ModelError(f"{path}: the learned token of class {bad[0]} is not finite; learn it again")
    return rows
