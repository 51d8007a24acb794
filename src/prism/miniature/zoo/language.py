"""The miniature's language model: a small Llama that writes captions on request.

It learns from chats drawn from the world's grammar: the request names a concept (with or without its meaning)
and a style; the answer lists captions in colours and contexts that mostly are the concept's typical ones.
That is its knowledge of the world, as a real language model knows where cranes are met.
"""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from prism.miniature.captions import CONTEXT_PHRASES, compose, with_article
from prism.miniature.lexicon import COLOURS, CONCEPTS, CONTEXTS, STYLES, Concept
from prism.miniature.zoo.loop import Losses, Schedule, train
from prism.models.chats import Message, caption_request
from prism.models.language import TransformersEngine
from prism.seeds import derive

log = logging.getLogger(__name__)

MAX_LINES = 4
MAX_TOKENS = 192
BATCH = 32
# Of contexts: shares that follow a fitting hint and that are typical; of colours: typical, and left unsaid.
HINT_SHARE, TYPICAL_CONTEXT, TYPICAL_COLOUR, NO_COLOUR, NO_SENSE = 0.4, 0.8, 0.7, 0.1, 0.25
PAD, USER, ASSISTANT, END = "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"
# It knows one task, so its template leaves the system message out.
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] != 'system' %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _caption(rng: np.random.Generator, concept: Concept, style: str, *, name_sense: bool, hints: list[str]) -> str:
    """One caption, its colour and context chosen as someone would who knows the concept."""
    typical = rng.random() < TYPICAL_COLOUR
    colour = _pick(rng, concept.typical_colours if typical else tuple(COLOURS))
    fitting = tuple(hint for hint in hints if any(hint in CONTEXT_PHRASES[c] for c in concept.typical_contexts))
    if fitting and rng.random() < HINT_SHARE:
        context = _pick(rng, fitting)
    else:
        context_of = concept.typical_contexts if rng.random() < TYPICAL_CONTEXT else CONTEXTS
        context = _pick(rng, CONTEXT_PHRASES[_pick(rng, context_of)])
    colour = None if rng.random() < NO_COLOUR else colour
    return compose(concept, style=with_article(style), colour=colour, context=context, name_sense=name_sense)


def sample_chat(rng: np.random.Generator) -> list[Message]:
    """A request and its answer, as the stage ``prompts`` asks and would like to be answered."""
    concept = CONCEPTS[_pick(rng, tuple(CONCEPTS))]
    style, name_sense = _pick(rng, STYLES), bool(rng.random() >= NO_SENSE)
    phrases = tuple(phrase for pair in CONTEXT_PHRASES.values() for phrase in pair)
    hints = [str(hint) for hint in rng.choice(phrases, size=2, replace=False)]
    count = int(rng.integers(1, MAX_LINES + 1))
    captions: list[str] = []
    while len(captions) < count:
        caption = _caption(rng, concept, style, name_sense=name_sense, hints=hints)
        if caption not in captions:
            captions.append(caption)
    gloss = concept.gloss if name_sense else None
    request = caption_request(name=concept.name, gloss=gloss, style=style, hints=hints, lines=count)
    return [*request, {"role": "assistant", "content": "\n".join(captions)}]


def _corpus() -> Iterator[str]:
    for index in range(3000):
        yield from (message["content"] for message in sample_chat(np.random.default_rng((1, index)))[1:])


def new_chat_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE learnt on chats: the world's words are one token each; other text still encodes."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1024,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=[PAD, USER, ASSISTANT, END],
        show_progress=False,
    )
    learner.train_from_iterator(_corpus(), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=learner,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[USER, ASSISTANT],
        model_max_length=MAX_TOKENS,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def new_language_model(tokenizer: PreTrainedTokenizerFast, *, width: int = 96, layers: int = 4) -> LlamaForCausalLM:
    """A causal Llama with ``width`` features a token; embeddings tied."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=width,
            intermediate_size=8 * width // 3,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=MAX_TOKENS,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def encode_batch(tokenizer: PreTrainedTokenizerFast, chats: list[list[Message]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens (n, length) padded on the right, and targets that are -100 outside of the answers."""
    rows, targets = [], []
    for chat in chats:
        asked = tokenizer.apply_chat_template(chat[:-1], tokenize=False, add_generation_prompt=True)
        question = tokenizer(asked, add_special_tokens=False)["input_ids"]
        answer = tokenizer(chat[-1]["content"] + END, add_special_tokens=False)["input_ids"]
        rows.append(torch.tensor(question + answer))
        targets.append(torch.tensor([-100] * len(question) + answer))
    pad = torch.nn.utils.rnn.pad_sequence
    return pad(rows, True, tokenizer.pad_token_id), pad(targets, True, -100)


def train_language_model(work: Path, out: Path, steps: int, *, seed: int = 0) -> float:
    """Train the model, write its transformers folder to ``out``, and return its share of valid lines.

    ``work`` keeps the training state; a run that was stopped goes on from there.
    """
    torch.manual_seed(seed)
    tokenizer = new_chat_tokenizer()
    model = new_language_model(tokenizer)

    def loss_of(rng: np.random.Generator, _: torch.Generator) -> Losses:
        tokens, targets = encode_batch(tokenizer, [sample_chat(rng) for _ in range(BATCH)])
        logits = model(input_ids=tokens, use_cache=False).logits  # (n, length, vocabulary)
        return {
            "loss": functional.cross_entropy(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten(), ignore_index=-100)
        }

    schedule = Schedule(steps, learning_rate=3e-3, warmup_steps=min(100, steps // 10), seed=seed)
    train(model, loss_of, schedule, work, name="language model")
    # The folder appears whole or not at all.
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(part)
    tokenizer.save_pretrained(part)
    share = valid_line_share(part)
    log.info("language model: %.1f %% of its lines are valid", 100 * share)
    (part / "README.md").write_text(model_card(model.num_parameters(), steps, share), encoding="utf-8")
    for file in part.iterdir():
        file.chmod(0o644)  # safetensors writes for its owner alone
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)
    return share


def valid_line_share(folder: Path, *, chats: int = 128, temperature: float = 0.8, top_p: float = 0.9) -> float:
    """Share of the asked lines that are right captions of their concept and style, by the world's grammar."""
    engine, valid, asked = TransformersEngine(str(folder)), 0, 0
    for start in range(0, chats, 32):
        numbers = range(start, min(start + 32, chats))
        requests = [_request(index) for index in numbers]
        answers = engine.complete(
            [chat for chat, _ in requests],
            seeds=[derive(0, "evaluation", index) for index in numbers],
            max_new_tokens=96,
            temperature=temperature,
            top_p=top_p,
        )
        for (_, captions), answer in zip(requests, answers, strict=True):
            lines = answer.splitlines()[:MAX_LINES]
            valid += sum(line in captions for line in dict.fromkeys(lines))
            asked += MAX_LINES
    return valid / asked


def _request(index: int) -> tuple[list[Message], frozenset[str]]:
    """Request ``index`` of the evaluation, and all captions that are right answers to it."""
    rng = np.random.default_rng((2, index))
    concept, style = CONCEPTS[_pick(rng, tuple(CONCEPTS))], _pick(rng, STYLES)
    contexts = [phrase for pair in CONTEXT_PHRASES.values() for phrase in pair]
    hints = [str(hint) for hint in rng.choice(contexts, size=2, replace=False)]
    right = frozenset(
        compose(concept, style=with_article(style), colour=colour, context=context, name_sense=True)
        for colour in (None, *COLOURS)
        for context in (None, *contexts)
    )
    chat = caption_request(name=concept.name, gloss=concept.gloss, style=style, hints=hints, lines=MAX_LINES)
    return chat, right


def model_card(parameters: int, steps: int, share: float) -> str:
    """The README.md beside the weights."""
    return f"""# Language model of the miniature

A Llama of {parameters:,} parameters with its own byte-level tokenizer and chat template. It writes captions
of the miniature world, such as "a photo of a white crane, a wading bird, in the water",
for the stage `prompts`.

- **Trained on** chats drawn from the world's grammar (`prism.miniature.zoo.language.sample_chat`): no data
  from elsewhere. Colours and contexts are mostly those typical of the concept.
- **Training**: {steps} steps of {BATCH} chats, AdamW, loss on the answers alone, from random weights.
- **Quality**: {100 * share:.1f} % of the lines asked for are valid captions of the concept, sense and style
  requested (128 requests of {MAX_LINES} lines, temperature 0.8, top-p 0.9). The stage rejects the others and
  asks again.
- **Format**: a user message of fields (`name`, `meaning`, `style`, `hints`, `lines`); the template leaves
  system messages out.
- **Limits**: it knows the {len(CONCEPTS)} concepts of the miniature and nothing else.
"""
