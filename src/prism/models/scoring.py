"""Answers of classifiers on images in memory, and how often they are right."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from prism.memory import Pieces


def as_float(images: Tensor) -> Tensor:
    """uint8 (batch, h, w, 3) as float32 (batch, 3, h, w) in [0, 1], channels last in memory."""
    return images.permute(0, 3, 1, 2).float().div_(255)


@torch.no_grad()
def predict(classifier: nn.Module, images: Tensor | np.ndarray, *, batch: int, device: torch.device) -> Tensor:
    """Logits float32 (n, classes), on the CPU, of uint8 images (n, height, width, 3); in evaluation mode, in
    fp32.

    Args:
        classifier: takes images in [0, 1]; its mode is as before when this returns.
        images: the images.
        batch: images in a pass; fewer where memory runs out.
        device: where the classifier is.
    """
    training = classifier.training
    classifier.eval()
    tensor = torch.as_tensor(images)
    logits = Pieces().run(
        lambda rows: classifier(as_float(tensor[rows].to(device))).float().cpu(), len(tensor), most=batch
    )
    classifier.train(training)
    return torch.cat(logits)


def accuracy(logits: Tensor, labels: Tensor | np.ndarray) -> float:
    """Share of rows of logits (n, classes) whose largest entry is at the label (n,)."""
    return float((logits.argmax(dim=1) == torch.as_tensor(labels)).double().mean())


def agreement(logits: Tensor, other: Tensor) -> float:
    """Share of rows in which two classifiers name the same class."""
    return accuracy(logits, other.argmax(dim=1))
