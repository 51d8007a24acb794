"""What a method asks of the sampler is refused in one clear line where the sampler cannot give it."""

import pytest

from .conftest import mistakes

CASES = {
    "term that acts at no step": (
        {
            "methods": {"never": {"prompts": "class-name", "guidance": [{"energy": "free", "every": 20}]}},
            "run": ["never"],
        },
        "methods.never.guidance[0].interval: [0.3, 0.7] with every=20 has none of diffusion.steps=25",
    ),
    "batch too small for its statistics": (
        {
            "methods": {
                "dag": {"prompts": "class-name", "guidance": [{"energy": "batch-norm", "statistics": "batch"}]}
            },
            "diffusion": {"batch": 15},
            "run": ["dag"],
        },
        "diffusion.batch: 15 is too small for methods.dag.guidance[0].statistics=batch, which needs at least 16",
    ),
    "student that comes too late": (
        {"methods": {"diffdfkd": {"student": {"start": 16}}}, "run": ["diffdfkd"]},
        "methods.diffdfkd.student.start: 16 images per class are never passed, a shard has 16",
    ),
    "cutmix that never comes": (
        {"diffusion": {"steps": 6}, "run": ["prism+cutmix"]},
        "methods.prism+cutmix.cutmix.every: 5 steps never come before the last of diffusion.steps=6",
    ),
    "cutmix under a multistep scheduler": (
        {"diffusion": {"scheduler": "dpm-solver++"}, "run": ["prism+cutmix"]},
        "diffusion.scheduler: dpm-solver++ steps by earlier predictions, which methods.prism+cutmix.cutmix",
    ),
    "cutmix of one": (
        {"diffusion": {"batch": 1}, "run": ["prism+cutmix-any"]},
        "diffusion.batch: 1 leaves methods.prism+cutmix-any.cutmix no partner",
    ),
    "cutmix without a second image of the class": (
        {"synthesis": {"images_per_class": 2, "shards": 2}, "evaluation": {"k": 1}, "run": ["prism+cutmix"]},
        "methods.prism+cutmix.cutmix.partners: same-class needs 2 images of a class at a time, and there is 1",
    ),
    "no tiny decoder": (
        {"diffusion": {"tiny_decoder": None}, "run": ["prism"]},
        "methods.prism.guidance[0].decoder: tiny, but diffusion.tiny_decoder is not set",
    ),
}


@pytest.mark.parametrize(("overrides", "message"), CASES.values(), ids=CASES)
def test_a_mistake_is_one_clear_line(overrides, message):
    (line,) = mistakes(**overrides)
    assert line.startswith(f"config: {message}")
