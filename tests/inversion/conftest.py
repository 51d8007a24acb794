"""Small random classifiers in float64, and a configuration of tiny inversions on files of random weights."""

import pytest
import torch

from prism.config import InversionConfig, load_config
from prism.models.checkpoints import Classifier
from prism.models.networks import MiniatureStudent

ABOUT = {"num_classes": 3, "size_px": 8, "mean": (0.5, 0.4, 0.3), "std": (0.25, 0.2, 0.3)}


def classifier(seed, dtype=torch.float64):
    """Three classes, 8 px, weights and running statistics drawn at random; smooth where finite differences look."""
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MiniatureStudent(3, (4, 6))
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.copy_(torch.randn(layer.num_features, generator=generator))
            layer.running_var.copy_(torch.rand(layer.num_features, generator=generator) + 0.5)
    made = Classifier(network, architecture="miniature-student", **ABOUT)
    return made.to(dtype).eval().requires_grad_(False)


def settings(**fields):
    """The defaults, few steps."""
    return InversionConfig(**{"iterations": 6, "batch": 8, **fields})


@pytest.fixture
def config(untrained, project_root, monkeypatch):
    """The smoke configuration: a teacher and a further one of random weights, methods of few steps."""
    monkeypatch.chdir(project_root)
    section = {"size_px": 16, "mean": [0.5] * 3, "std": [0.25] * 3}
    names = ("miniature-student", "miniature-student-small")
    paths = {name: untrained(name, size_px=16, seed=seed) for seed, name in enumerate(names)}
    short = {"iterations": 4, "batch": 10}
    inversions = {
        "deepinversion": {**short, "coarse_iterations": 3, "warmup": 2},
        "plug-in-inversion": {**short, "iterations": 1, "growth": {"steps": 4, "repeat": 2}},
        **{name: {**short, "iterations": 8} for name in ("sre2l", "g-vbsm", "prism-dd", "prism-dd-anew")},
        "adaptive-deepinversion": {**short, "coarse_iterations": 0, "warmup": 0, "adaptive": {"steps": 3}},
        "g-vbsm-real-statistics": short,
        "prism-dd-real-init": {**short, "iterations": 8},
    }
    return load_config(
        project_root / "config/config.yaml",
        project_root / "config/smoke.yaml",
        overrides={
            "teacher": {**section, "architecture": "miniature-student", "weights": str(paths["miniature-student"])},
            "teachers": {
                "miniature-vgg": None,
                "miniature-mobilenet": None,
                "small": {
                    **section,
                    "architecture": "miniature-student-small",
                    "weights": str(paths["miniature-student-small"]),
                },
            },
            "methods": {name: {"inversion": one} for name, one in inversions.items()},
            "run": list(inversions),
            "device": "cpu",
            "precision": "fp32",
        },
    )
