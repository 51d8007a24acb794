"""Scoring: numbers of a classifier on images in memory."""

import torch
from torch import nn

from prism.models.scoring import accuracy, agreement, as_float, predict


class MeanColour(nn.Module):
    """Logits are the mean of each channel."""

    def forward(self, images):
        return images.mean(dim=(2, 3))


def test_pixels_become_shares_in_channels_first_order():
    images = torch.zeros(1, 2, 3, 3, dtype=torch.uint8)
    images[0, 1, 2] = torch.tensor([255, 0, 51])
    floats = as_float(images)
    assert floats.shape == (1, 3, 2, 3)
    torch.testing.assert_close(floats[0, :, 1, 2], torch.tensor([1.0, 0.0, 0.2]))


def test_predictions_do_not_depend_on_the_batch_and_the_mode_comes_back():
    images = torch.randint(0, 256, (7, 4, 4, 3), dtype=torch.uint8)
    classifier = MeanColour().train()
    one = predict(classifier, images, batch=1, device=torch.device("cpu"))
    torch.testing.assert_close(one, predict(classifier, images.numpy(), batch=4, device=torch.device("cpu")))
    assert classifier.training and one.shape == (7, 3)


def test_accuracy_counts_right_answers_and_agreement_equal_ones():
    logits = torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0], [0.0, 2.0]])
    assert accuracy(logits, torch.tensor([0, 1, 1, 0])) == 0.5
    assert agreement(logits, logits * 3) == 1.0
    assert agreement(logits, -logits) == 0.0
