"""Language models behind one small protocol, and the one of them that runs here, by transformers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LogitsProcessor, LogitsProcessorList

from prism.errors import ModelError
from prism.models.hub import refusal
from prism.seeds import generator

Conversation = Sequence[dict[str, str]]


class Engine(Protocol):
    """Answers chats. The same seeds and settings give the same answers."""

    def complete(
        self,
        messages_batch: Sequence[Conversation],
        *,
        seeds: Sequence[int],
        max_new_tokens: int,
        temperature: float,
        top_p: float,
    ) -> list[str]:
        """One answer for each chat, in order."""


class NucleusSampling(LogitsProcessor):
    """Nucleus sampling with one CPU generator per row, so that no row's draw depends on its neighbours.

    It leaves one token per row possible, which greedy decoding then takes. Temperature 0 is greedy decoding
    itself. Nucleus: Holtzman et al. 2020 (arXiv 1904.09751), section 3.1.
    """

    def __init__(self, seeds: Sequence[int], temperature: float, top_p: float) -> None:
        self.generators = [generator(seed) for seed in seeds]
        self.temperature, self.top_p = temperature, top_p

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """(rows, vocabulary) scores with all but the drawn token at minus infinity."""
        if self.temperature == 0:
            return scores
        draws = torch.stack([torch.rand(1, generator=one, dtype=torch.float64) for one in self.generators])
        ordered, tokens = (scores.double() / self.temperature).softmax(-1).sort(-1, descending=True)
        mass = ordered.cumsum(-1)
        kept = ordered * (mass - ordered < self.top_p)  # the smallest set that reaches top_p
        mass = kept.cumsum(-1)
        place = (mass <= draws.to(mass.device) * mass[:, -1:]).sum(-1, keepdim=True)
        place = torch.minimum(place, (kept > 0).sum(-1, keepdim=True) - 1)
        chosen = tokens.gather(-1, place)
        return torch.full_like(scores, -torch.inf).scatter(-1, chosen, 0.0)


class TransformersEngine:
    """A causal language model with a chat template, from a local folder or by hub id.

    Raises:
        ModelError: the model cannot be loaded from safetensors without code of its own, or lacks a template.
    """

    def __init__(
        self,
        model: str,
        *,
        revision: str | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        local = Path(model).is_dir()
        if not local and (Path(model).is_absolute() or model.startswith(".") or model.count("/") > 1):
            raise ModelError(f"language model {model}: there is no such folder")
        options = {
            "revision": None if local else revision,
            "trust_remote_code": False,
            "local_files_only": local,
        }
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left", **options)
            loaded = AutoModelForCausalLM.from_pretrained(model, use_safetensors=True, dtype=dtype, **options)
        except Exception as error:  # transformers raises many kinds for one cause: files that are not a model
            raise refusal("language model", model, error) from error
        if not self.tokenizer.chat_template:
            raise ModelError(f"language model {model}: it has no chat template; choose an instruction-tuned model")
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.model = loaded.to(device).eval()

    @torch.inference_mode()
    def complete(
        self,
        messages_batch: Sequence[Conversation],
        *,
        seeds: Sequence[int],
        max_new_tokens: int,
        temperature: float,
        top_p: float,
    ) -> list[str]:
        """See :class:`Engine`; the whole batch is generated together, padded on the left."""
        texts = [
            self.tokenizer.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=True, enable_thinking=False
            )
            for messages in messages_batch
        ]
        inputs = self.tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        inputs = {key: inputs[key].to(self.model.device) for key in ("input_ids", "attention_mask")}
        output = self.model.generate(
            **inputs,
            do_sample=False,
            num_beams=1,
            temperature=None,
            top_p=None,
            top_k=None,
            repetition_penalty=1.0,  # that of the model's own settings would come before ours
            max_new_tokens=max_new_tokens,
            pad_token_id=self.tokenizer.pad_token_id,
            logits_processor=LogitsProcessorList([NucleusSampling(seeds, temperature, top_p)]),
        )
        return self.tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
