"""Model cards: how each model of the zoo was trained and what it scores."""

from prism.config.zoo import ZooConfig
from prism.miniature.zoo import schedules

_MINIATURE = {
    "teachers": (
        "Teacher",
        "A classifier of the ten in-distribution classes, trained on drawn photographs in typical contexts and "
        "colours: 900 steps of 128 images, AdamW, shifts by up to two pixels. `held_out_accuracy` is on 2,000 "
        "images that it never saw.",
    ),
    "features": (
        "Feature network",
        "A classifier of the 28 concepts of the broad world; its penultimate activations are the features of the "
        "miniature's metrics. 1,000 steps of 128 images with weak Gaussian noise.",
    ),
    "oracle": (
        "Oracle",
        "Names concept (with its sense), style, context and colour of an image; trained on the broad world, 1,800 "
        "steps of 128 images with weak Gaussian noise. Scores are accuracies on 2,000 held-out images.",
    ),
    "text-to-image/vae": (
        "Autoencoder",
        "An `AutoencoderKL`, 32x32x3 to 8x8x4: squared, absolute and edge error with a small Kullback-Leibler "
        "weight, then the decoder alone. `oracle_kept` is the share of 2,000 held-out images in which the oracle "
        "sees the same concept after reconstruction.",
    ),
    "tiny-decoder": (
        "Tiny autoencoder",
        "An `AutoencoderTiny` fitted to the autoencoder's scaled latents, for the guidance path.",
    ),
    "text-to-image": (
        "Text-to-image model",
        "A latent diffusion model in Stable Diffusion's format: v-prediction, zero terminal SNR, {text_to_image:,} "
        "steps of {batch} latents of the broad world, whose captions name the sense half of the time. "
        "`right_with_sense`: share of images of prompts that name the sense in which the oracle sees concept and "
        "sense; `rarest_sense`: smallest share of a sense among images of a bare ambiguous name; guidance scale 1.5.",
    ),
    "language-model": ("Language model", "A small Llama that writes captions of the miniature world on request."),
}
_PHOTOGRAPHS = {
    "text-to-image/vae": (
        "Autoencoder",
        "An `AutoencoderKL` of photographs, {size_px} px to latents of a quarter of the side: squared, absolute and "
        "edge error with a small Kullback-Leibler weight ({autoencoder:,} steps of {images}), then the decoder alone "
        "({decoder:,} steps). `mse` is the mean squared error of held-out photographs in [-1, 1].",
    ),
    "tiny-decoder": (
        "Tiny autoencoder",
        "An `AutoencoderTiny` fitted to the autoencoder's scaled latents ({tiny:,} steps), for the guidance path.",
    ),
    "text-to-image": (
        "Text-to-image model",
        "A small latent diffusion model in Stable Diffusion's format: v-prediction, zero terminal SNR, "
        "{text_to_image:,} steps of {batch} latents of photographs and their mirror images. Captions are the "
        "photographs' class names, with the beginning of the class's gloss half of the time: it knows these classes "
        "and hardly any scene, style or colour. No teacher had a part in its training.",
    ),
}
_ABOUT = {"miniature": _MINIATURE, "photographs": _PHOTOGRAPHS}
_LICENCE = {
    "miniature": "Trained from nothing on drawn images and generated text; no data from elsewhere. Apache-2.0.",
    "photographs": "Trained from nothing on the photographs that `zoo.images` names, whose terms of use hold.",
}


def render(name: str, scores: dict[str, float], settings: ZooConfig) -> str:
    """The card of part ``name`` in Markdown."""
    about = _ABOUT[settings.kind]
    title, text = about[name if name in about else name.split("/")[0]]
    steps = {part: schedule.steps for part, schedule in schedules.of_prior(settings).items()}
    text = text.format(**steps, batch=settings.batch, images=settings.autoencoder_batch, size_px=settings.size_px)
    rows = "".join(f"| `{key}` | {value:.4f} |\n" for key, value in sorted(scores.items()))
    table = f"\n| measure | value |\n|---|---|\n{rows}" if scores else ""
    return f"# {title}: `{name}`\n\n{text}\n{table}\n{_LICENCE[settings.kind]}\n"
