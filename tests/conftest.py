"""Fixtures that several tests share: pictures, class lists, and the real data where a machine has them."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

# Tests run side by side, a worker for each core: more threads than that only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
WORDNET_ENTRIES = [
    {
        "wnid": "n01",
        "clip_name": "American bullfrog",
        "words": "bullfrog, Rana",
        "gloss": "largest North American frog; it swims",
    },
    {"wnid": "n02", "clip_name": "acorn", "words": "acorn", "gloss": "fruit of the oak tree: a nut"},
]


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder that holds src, config and tests."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real images and weights: $PRISM_SHARED_DATA, or ``shared/data`` beside the project; skips if absent."""
    places = [ROOT.parent / "shared" / "data"]
    if named := os.environ.get("PRISM_SHARED_DATA"):
        places.insert(0, Path(named))
    for place in places:
        if place.is_dir():
            return place
    pytest.skip("no real data here: set PRISM_SHARED_DATA to their folder")


@pytest.fixture
def picture() -> Callable[..., np.ndarray]:
    """``picture(seed, size_px=32)``: a smooth random picture, uint8 (size_px, size_px, 3)."""

    def draw(seed: int, size_px: int = 32) -> np.ndarray:
        coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        return np.asarray(Image.fromarray(coarse).resize((size_px, size_px), Image.Resampling.BILINEAR))

    return draw


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """``encode(picture, format="PNG")``: the encoded bytes of a uint8 picture."""

    def to_bytes(image: np.ndarray, format: str = "PNG") -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format, quality=95)
        return buffer.getvalue()

    return to_bytes


@pytest.fixture
def photographs(tmp_path: Path, picture: Callable[..., np.ndarray], encode: Callable[..., bytes]) -> Path:
    """``photographs.zip`` (folders train/<wnid>, 64 px) and ``classes.json`` in a folder, which is returned."""
    with zipfile.ZipFile(tmp_path / "photographs.zip", "w") as archive:
        for index in range(8):
            wnid = WORDNET_ENTRIES[index % 2]["wnid"]
            archive.writestr(f"small/train/{wnid}/{index}.jpg", encode(picture(index, 64), "JPEG"))
    (tmp_path / "classes.json").write_text(json.dumps(WORDNET_ENTRIES), encoding="utf-8")
    return tmp_path


@pytest.fixture
def untrained(tmp_path: Path) -> Callable[..., Path]:
    """``untrained(architecture, classes=10, size_px=32, seed=0, file=None)``: a file of random weights, by default
    named after the architecture.
    """

    def write(
        architecture: str, *, classes: int = 10, size_px: int = 32, seed: int = 0, file: str | None = None
    ) -> Path:
        from prism.models.checkpoints import save_model  # late: most tests need no torch
        from prism.models.classifiers import build

        path = tmp_path / f"{file or architecture}.safetensors"
        facts = {"architecture": architecture, "num_classes": classes, "size_px": size_px}
        network = build(architecture, classes, size_px, seed=seed)
        save_model(path, network, {**facts, "mean": [0.5] * 3, "std": [0.25] * 3})
        return path

    return write


@pytest.fixture
def no_real_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real images cannot be had: a stage that asks for them, whatever its rule declares, fails its test."""
    from prism.data import folders, images, method_images, sources

    def refuse(*given: object, **named: object) -> None:
        pytest.fail("real images were asked for")

    for place, name in (
        (folders, "image_parts"),
        (sources, "load_source"),
        (method_images, "load_source"),
        (method_images, "source_parts"),
        (images.EvaluationData, "__init__"),
    ):
        monkeypatch.setattr(place, name, refuse)


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    """A shard of drawn images, two of each of the miniature's ten classes, where a workflow would have it."""
    from prism.data.shards import Sample, sample_key, write_shard
    from prism.miniature.sources import world_images

    drawn = world_images("sketch", 2, 5)
    samples = [
        Sample(sample_key(int(label), index % 2), image, {"class_index": int(label)})
        for index, (image, label) in enumerate(zip(drawn.images, drawn.labels, strict=True))
    ]
    path = tmp_path / "results" / "x" / "synthesis" / "any" / "shard-0000.tar"
    write_shard(path, samples, {"stage": "synthesis", "recipe": {}})
    return path


@pytest.fixture(scope="session")
def random_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with text-to-image/, tiny-decoder/ and teacher.safetensors: real formats, small random networks."""
    import torch  # late: most tests need neither this nor diffusers
    from diffusers import AutoencoderKL, AutoencoderTiny, StableDiffusionPipeline

    from prism.miniature.zoo.diffusion import new_scheduler, new_unet
    from prism.miniature.zoo.text import new_text_encoder, new_tokenizer
    from prism.models.checkpoints import save_model
    from prism.models.classifiers import build

    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    tokenizer = new_tokenizer(["a photo of a crane, a wading bird, in the snow"] * 3, vocab_size=600)
    vae = AutoencoderKL(
        block_out_channels=(16, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=4,
        norm_num_groups=8,
        mid_block_add_attention=False,
        scaling_factor=0.7,
    )
    unet = new_unet(channels=(16, 32), text_width=32)
    # Untrained weights give outputs near zero; larger ones make guidance and text visible.
    for parameter in [*unet.conv_out.parameters(), *vae.decoder.conv_out.parameters()]:
        parameter.data.mul_(4)
    StableDiffusionPipeline(
        vae=vae,
        text_encoder=new_text_encoder(tokenizer, width=32, layers=1),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "text-to-image")
    AutoencoderTiny(
        latent_channels=4,
        encoder_block_out_channels=(8, 8, 8),
        decoder_block_out_channels=(8, 8, 8),
        num_encoder_blocks=(1, 1, 1),
        num_decoder_blocks=(1, 1, 1),
    ).save_pretrained(folder / "tiny-decoder")
    facts = {"architecture": "miniature-resnet", "num_classes": 10, "size_px": 32}
    facts |= {"mean": [0.5] * 3, "std": [0.25] * 3}
    save_model(folder / "teacher.safetensors", build("miniature-resnet", 10, seed=0), facts)
    return folder
