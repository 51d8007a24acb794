"""A CLIP-style tokenizer and text encoder for a small vocabulary."""

import json
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

BEGIN, END = "<|startoftext|>", "<|endoftext|>"
MAX_TOKENS = 24


def new_tokenizer(corpus: Iterable[str], *, vocab_size: int = 2048, max_tokens: int = MAX_TOKENS) -> CLIPTokenizer:
    """Learn CLIP's byte-level BPE on ``corpus``; frequent words become one token, any other text still encodes."""
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token=END))
    learner.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(
                Regex(
                    r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""
                ),
                behavior="removed",
                invert=True,
            ),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    # Every byte must also be able to end a word. Named here, these tokens have fixed numbers; the learner would number
    # those it meets in an order that differs from run to run, and a resumed training would read other tokens.
    endings = [f"{letter}</w>" for letter in alphabet]
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        initial_alphabet=alphabet,
        special_tokens=[BEGIN, END, *endings],
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    learner.train_from_iterator(corpus, trainer)
    vocab = learner.get_vocab()
    merges = [tuple(pair) for pair in _merges(learner)]
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=max_tokens)


def _merges(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in merges]


def new_text_encoder(tokenizer: CLIPTokenizer, *, width: int = 128, layers: int = 3) -> CLIPTextModel:
    """A CLIP text model with ``width`` features a token."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=width,
            intermediate_size=4 * width,
            num_hidden_layers=layers,
            num_attention_heads=4,
            max_position_embeddings=tokenizer.model_max_length,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            hidden_act="quick_gelu",
            # PyTorch's fused attention has a slow bf16 backward on CPUs: see prism.models.kernels.
            attn_implementation="eager",
        )
    )
