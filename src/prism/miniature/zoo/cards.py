"""Model cards: how each model of the zoo was trained and what it scores."""

_ABOUT = {
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
        "Names concept (with its sense), style, context and colour of an image; trained on the broad world, 2,200 "
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
        "A latent diffusion model in Stable Diffusion's format: v-prediction, zero terminal SNR, 4,000 steps of 128 "
        "latents of the broad world, whose captions name the sense half of the time. `right_with_sense`: share of "
        "images of prompts that name the sense in which the oracle sees concept and sense; `rarest_sense`: smallest "
        "share of a sense among images of a bare ambiguous name.",
    ),
    "language-model": ("Language model", "A small Llama that writes captions of the miniature world on request."),
}
_LICENCE = "Trained from nothing on drawn images and generated text; no data from elsewhere. Apache-2.0."


def render(name: str, scores: dict[str, float]) -> str:
    """The card of part ``name`` in Markdown."""
    title, about = _ABOUT[name if name in _ABOUT else name.split("/")[0]]
    rows = "".join(f"| `{key}` | {value:.4f} |\n" for key, value in sorted(scores.items()))
    table = f"\n| measure | value |\n|---|---|\n{rows}" if scores else ""
    return f"# {title}: `{name}`\n\n{about}\n{table}\n{_LICENCE}\n"
