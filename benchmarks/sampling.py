"""Cost of guidance, and of the sampler itself: seconds a batch over those of a peer, in one run.

Guided sampling is put over unguided sampling with the same steps: the default recipe (tiny decoder, clean), with
the full decoder, and through the U-Net. Unguided sampling is put over diffusers' own pipeline, and DDIS's guidance in
the default form over its released form (full decoder, every step, images one by one), with the recipes of
config/methods.yaml. The miniature's models serve where they are; else models of the same size with random weights,
which cost the same.

    python benchmarks/sampling.py
    python benchmarks/sampling.py --batch 100 --steps 50 --device cuda
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from measuring import RESULTS, in_turns, machine, machine_columns, medians, parser, ratio, write_rows
from tqdm import tqdm

from prism.config import Config, load_config
from prism.guidance import Term
from prism.miniature.zoo.autoencoder import new_autoencoder, new_tiny_autoencoder
from prism.miniature.zoo.diffusion import new_scheduler, new_unet
from prism.miniature.zoo.text import new_text_encoder, new_tokenizer
from prism.models.classifiers import build
from prism.models.diffusion import load_text_to_image
from prism.models.teacher import Teacher
from prism.prompts.phrases import COLOURS, CONTEXTS
from prism.seeds import generator
from prism.synthesis.sampler import Sampler, SamplerSettings

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "assets" / "miniature"
PROMPTS = [f"a photo of a {colour} crane, a wading bird, {place}" for place in CONTEXTS for colour in COLOURS]

Draw = Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """One program over a peer; ``target`` is the largest ratio wanted, None where it is only shown."""

    name: str
    program: Draw
    peer: Draw
    target: float | None = None


def main() -> None:
    options = _options()
    device, dtype = machine(options)
    with tempfile.TemporaryDirectory() as scratch:
        trained = all((MODELS / name).is_dir() for name in ("text-to-image", "tiny-decoder"))
        folder = MODELS if trained else random_models(Path(scratch))
        config = _config(folder, options)
        comparisons = _comparisons(config, _pipeline(folder, device, dtype), device, dtype, options)
        rows = []
        for one in tqdm(comparisons, desc="comparisons", disable=None):
            rounds = in_turns([one.program, one.peer], options.rounds, device)
            seconds, peer = medians(rounds)
            target = "" if one.target is None else f"{one.target:.2f}"
            rows.append(
                {
                    "comparison": one.name,
                    "seconds": f"{seconds:.4f}",
                    "peer_seconds": f"{peer:.4f}",
                    "ratio": f"{ratio(rounds, 0, 1):.3f}",
                    "target": target,
                    "images_per_second": f"{options.batch / seconds:.2f}",
                    "batch": options.batch,
                    "steps": options.steps,
                    "rounds": options.rounds,
                    "models": "miniature" if trained else "random",
                    **machine_columns(options, device, dtype),
                }
            )
    write_rows(options.output, rows)
    report(rows)


def report(rows: list[dict[str, object]]) -> None:
    """Write the table to standard output."""
    lines = [f"{'comparison':<38}{'seconds':>10}{'peer':>10}{'ratio':>8}{'target':>9}"]
    for row in rows:
        wanted = f"<= {row['target']}" if row["target"] else ""
        lines.append(
            f"{row['comparison']:<38}{row['seconds']:>10}{row['peer_seconds']:>10}{row['ratio']:>8}{wanted:>9}"
        )
    sys.stdout.write("\n".join(lines) + "\n")


def _options() -> argparse.Namespace:
    program = parser(__doc__)
    program.add_argument("--batch", type=int, default=40, help="images in a batch (default: %(default)s)")
    program.add_argument("--steps", type=int, default=25, help="sampling steps (default: %(default)s)")
    program.add_argument("--rounds", type=int, default=5, help="turns of each (default: %(default)s)")
    program.add_argument("--output", type=Path, default=RESULTS / "sampling.csv", help="table (default: %(default)s)")
    return program.parse_args()


def _config(folder: Path, options: argparse.Namespace) -> Config:
    """The default experiment on the models in ``folder``."""
    models = {"pipeline": str(folder / "text-to-image"), "tiny_decoder": str(folder / "tiny-decoder")}
    changes = {"diffusion": {**models, "steps": options.steps, "batch": options.batch}}
    return load_config(ROOT / "config" / "config.yaml", overrides=changes, root=ROOT)


def _comparisons(
    config: Config,
    pipeline: StableDiffusionPipeline,
    device: torch.device,
    dtype: torch.dtype,
    options: argparse.Namespace,
) -> list[Comparison]:
    model = load_text_to_image(config.diffusion, device, dtype)
    teacher = Teacher(
        build("miniature-resnet", 10, 32, seed=0),
        architecture="miniature-resnet",
        num_classes=10,
        size_px=32,
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
    ).to(model.device)
    prompts = [PROMPTS[index % len(PROMPTS)] for index in range(options.batch)]
    seeds = list(range(options.batch))
    labels = torch.arange(options.batch) % 10
    size_px = model.latent_shape[1] * model.scale_factor

    def terms(method: str, **changes: str) -> tuple[Term, ...]:
        return tuple(Term(**term.model_dump() | changes) for term in config.methods[method].guidance)

    def ours(*terms: Term, batch: int = options.batch) -> Draw:
        sampler = Sampler(model, teacher, SamplerSettings(options.steps, 3.0, terms))

        def draw() -> None:
            for start in range(0, options.batch, batch):
                chosen = slice(start, start + batch)
                sampler.sample(prompts[chosen], labels[chosen], seeds[chosen], size_px=size_px)

        return draw

    def theirs() -> object:
        return pipeline(
            prompts,
            num_inference_steps=options.steps,
            guidance_scale=3.0,
            generator=[generator(seed) for seed in seeds],
            height=size_px,
            width=size_px,
            output_type="pt",
        )

    unguided, released = ours(), terms("ddis-dag-released")
    return [
        Comparison("unguided over diffusers", unguided, theirs, target=1.0),
        Comparison("guided, tiny, clean over unguided", ours(*terms("prism")), unguided, target=1.35),
        Comparison("guided, full, clean over unguided", ours(*terms("prism", decoder="full")), unguided),
        Comparison("guided, tiny, noisy over unguided", ours(*terms("prism", through="noisy")), unguided),
        Comparison("DDIS, default over released form", ours(*terms("ddis-dag")), ours(*released, batch=1), 1 / 3),
    ]


def _pipeline(folder: Path, device: torch.device, dtype: torch.dtype) -> StableDiffusionPipeline:
    """diffusers' own pipeline as a user would load it; only the U-Net's arithmetic may be lower, as in ours."""
    pipeline = StableDiffusionPipeline.from_pretrained(
        folder / "text-to-image",
        safety_checker=None,
        local_files_only=True,
        low_cpu_mem_usage=False,
        dtype=torch.float32,  # whatever it is saved in
    ).to(device)
    pipeline.set_progress_bar_config(disable=True)
    if dtype != torch.float32:
        forward = pipeline.unet.forward

        def lower(*given: object, **named: object) -> object:
            with torch.autocast(device.type, dtype):
                return forward(*given, **named)

        pipeline.unet.forward = lower
    return pipeline


def random_models(folder: Path) -> Path:
    """Folders ``text-to-image`` and ``tiny-decoder`` in the miniature's sizes, untrained."""
    torch.manual_seed(0)
    tokenizer = new_tokenizer(PROMPTS)
    StableDiffusionPipeline(
        vae=new_autoencoder(),
        text_encoder=new_text_encoder(tokenizer),
        tokenizer=tokenizer,
        unet=new_unet(),
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "text-to-image")
    new_tiny_autoencoder().save_pretrained(folder / "tiny-decoder")
    return folder


if __name__ == "__main__":
    main()
