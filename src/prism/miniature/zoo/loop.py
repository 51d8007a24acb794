"""One resumable training loop for every model of the zoo.

The batch and the noise of a step are functions of (seed, step) alone, and the state is saved in one atomic
file, so that a killed run goes on from its last checkpoint and ends where an uninterrupted one would have.
"""

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from prism.progress import ProgressBar

log = logging.getLogger(__name__)

Losses = dict[str, torch.Tensor]
LossOf = Callable[[np.random.Generator, torch.Generator], Losses]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: linear warm-up, a plateau, and a linear decay to zero over the last ``decay_share``."""

    steps: int
    learning_rate: float
    warmup_steps: int = 200
    decay_share: float = 0.3
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.99)
    clip_norm: float = 1.0
    ema_decay: float | None = None
    seed: int = 0
    checkpoint_seconds: float = 120.0

    def rate(self, step: int) -> float:
        """Learning rate of ``step`` (0-based)."""
        left = (self.steps - step) / max(1.0, self.decay_share * self.steps)
        return self.learning_rate * min(1.0, (step + 1) / max(1, self.warmup_steps), left)


def autocast(device: torch.device) -> torch.autocast:
    """bf16 where it pays: on CUDA, and on CPUs with matrix units for it (AMX); fp32 elsewhere."""
    worth_it = device.type == "cuda" or torch.cpu._is_amx_tile_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=worth_it)


def train(model: nn.Module, loss_of: LossOf, schedule: Schedule, work: Path, *, name: str) -> nn.Module:
    """Train ``model`` in place to the end of ``schedule`` and return it, holding its averaged weights if any.

    ``loss_of(rng, noise)`` draws a batch from its two generators and returns named losses; their sum is minimised.
    ``work/checkpoint.safetensors`` holds the state while the run is unfinished and stays as its record.
    """
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=schedule.learning_rate, betas=schedule.betas, weight_decay=schedule.weight_decay
    )
    averages = {k: v.detach().clone() for k, v in model.state_dict().items()} if schedule.ema_decay else {}
    start = _restore(work, model, optimizer, averages)
    if start:
        log.info("%s: resuming at step %d of %d", name, start, schedule.steps)
    saved, running = time.monotonic(), {}
    model.train()
    bar = ProgressBar(range(start, schedule.steps), initial=start, total=schedule.steps, desc=name, mininterval=5)
    for step in bar:
        rng = np.random.default_rng((schedule.seed, step))
        noise = torch.Generator(device).manual_seed(schedule.seed * 1_000_003 + step)
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step)
        losses = loss_of(rng, noise)
        optimizer.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), schedule.clip_norm)
        optimizer.step()
        if averages:
            _average(averages, model, min(schedule.ema_decay, (1 + step) / (10 + step)))
        if step % 20 == 0:
            now = {k: float(v.detach()) for k, v in losses.items()}
            running = {k: 0.9 * running.get(k, v) + 0.1 * v for k, v in now.items()}
            bar.set_postfix({k: f"{v:.4f}" for k, v in running.items()}, refresh=False)
        if time.monotonic() - saved > schedule.checkpoint_seconds or step + 1 == schedule.steps:
            _save(work, step + 1, model, optimizer, averages)
            saved = time.monotonic()
    if averages:
        model.load_state_dict(averages)
    return model.eval()


@torch.no_grad()
def _average(averages: dict[str, torch.Tensor], model: nn.Module, decay: float) -> None:
    floats, news = [], []
    for key, value in model.state_dict().items():
        if value.is_floating_point():
            floats.append(averages[key])
            news.append(value)
        else:
            averages[key].copy_(value)
    torch._foreach_lerp_(floats, news, 1 - decay)


def _save(
    work: Path, step: int, model: nn.Module, optimizer: torch.optim.Optimizer, averages: dict[str, torch.Tensor]
) -> None:
    tensors = {f"model/{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"average/{k}": v for k, v in averages.items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{k}": torch.as_tensor(v) for k, v in state.items()}
    work.mkdir(parents=True, exist_ok=True)
    part, final = work / "checkpoint.safetensors.part", work / "checkpoint.safetensors"
    tensors = {k: v.detach().contiguous().clone() for k, v in tensors.items()}
    save_file(tensors, part, metadata={"progress": json.dumps({"step": step})})
    os.replace(part, final)


def _restore(work: Path, model: nn.Module, optimizer: torch.optim.Optimizer, averages: dict[str, torch.Tensor]) -> int:
    path = work / "checkpoint.safetensors"
    if not path.exists():
        return 0
    device = next(model.parameters()).device
    state: dict[int, dict[str, torch.Tensor]] = {}
    weights = {}
    with safe_open(path, "pt", device=str(device)) as file:
        step = json.loads(file.metadata()["progress"])["step"]
        for key in file.keys():
            kind, rest = key.split("/", 1)
            if kind == "model":
                weights[rest] = file.get_tensor(key)
            elif kind == "average":
                averages[rest].copy_(file.get_tensor(key))
            else:
                index, entry = rest.split("/", 1)
                state.setdefault(int(index), {})[entry] = file.get_tensor(key)
    model.load_state_dict(weights)
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    return step
