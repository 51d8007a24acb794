"""The small CLIP-style tokenizer: the world's words are single tokens, any other text still encodes."""

import numpy as np
import pytest
from transformers import CLIPTokenizer

from prism.miniature.captions import caption
from prism.miniature.world import sample_broad
from prism.miniature.zoo.text import MAX_TOKENS, new_text_encoder, new_tokenizer


@pytest.fixture(scope="module")
def captions():
    rng = np.random.default_rng(0)
    return [caption(sample_broad(rng), rng) for _ in range(4000)]


@pytest.fixture(scope="module")
def tokenizer(captions):
    return new_tokenizer(captions)


def test_words_of_the_world_are_single_tokens(tokenizer, captions):
    for text in captions[:200]:
        words = text.replace(",", " ,").replace("'s", " 's").split()
        assert tokenizer.tokenize(text) == [f"{word}</w>" for word in words]


def test_every_caption_fits_the_text_encoder(tokenizer, captions):
    assert max(len(tokenizer(text).input_ids) for text in captions) <= MAX_TOKENS


def test_foreign_text_still_encodes_without_unknown_tokens(tokenizer):
    ids = tokenizer("Zebra-crossing №7", add_special_tokens=False).input_ids
    assert len(ids) > 4 and tokenizer.unk_token_id not in ids


def test_saved_and_loaded_it_gives_the_same_tokens(tokenizer, captions, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    again = CLIPTokenizer.from_pretrained(tmp_path)
    assert again.model_max_length == MAX_TOKENS
    assert [again(text).input_ids for text in captions[:50]] == [tokenizer(text).input_ids for text in captions[:50]]


def test_text_encoder_gives_one_vector_a_token(tokenizer):
    encoder = new_text_encoder(tokenizer, width=32, layers=1)
    tokens = tokenizer(["a crane", "a bat"], padding="max_length", return_tensors="pt").input_ids
    assert encoder(tokens).last_hidden_state.shape == (2, MAX_TOKENS, 32)
