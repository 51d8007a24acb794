"""How long each model of the zoo is trained: what the shipped ones were made with."""

from dataclasses import replace

from prism.config.zoo import ZooConfig
from prism.miniature.zoo.loop import Schedule

BROAD_IMAGES = 160_000
IN_DISTRIBUTION_IMAGES = 20_000
NOISE_STD = 0.08  # of [0, 1]; the feature network and the oracle must read images with small faults

TEACHER = Schedule(
    steps=900, learning_rate=2e-3, warmup_steps=50, decay_share=0.6, weight_decay=0.02, betas=(0.9, 0.999)
)
FEATURES = Schedule(
    steps=1000, learning_rate=2e-3, warmup_steps=100, decay_share=0.6, weight_decay=0.02, betas=(0.9, 0.999)
)
ORACLE = Schedule(
    steps=1800, learning_rate=2e-3, warmup_steps=100, decay_share=0.6, weight_decay=0.02, betas=(0.9, 0.999)
)
AUTOENCODER = Schedule(
    steps=1700,
    learning_rate=1.5e-3,
    warmup_steps=100,
    decay_share=0.4,
    weight_decay=0.0,
    ema_decay=0.995,
)
DECODER = Schedule(steps=450, learning_rate=8e-4, warmup_steps=30, decay_share=0.7, weight_decay=0.0, ema_decay=0.99)
TINY = Schedule(steps=1000, learning_rate=2e-3, warmup_steps=50, decay_share=0.6, weight_decay=0.0, ema_decay=0.99)
TEXT_TO_IMAGE = Schedule(
    steps=8000, learning_rate=1.2e-3, warmup_steps=300, decay_share=0.35, ema_decay=0.998, weight_decay=0.01
)
LANGUAGE_STEPS = 2200


def of_prior(settings: ZooConfig) -> dict[str, Schedule]:
    """The schedules of the text-to-image model's parts, with the steps and the seed of the configuration."""
    base = {"autoencoder": AUTOENCODER, "decoder": DECODER, "tiny": TINY, "text_to_image": TEXT_TO_IMAGE}
    asked = settings.steps.model_dump()
    return {
        part: replace(schedule, steps=asked[part] or schedule.steps, seed=settings.seed)
        for part, schedule in base.items()
    }
