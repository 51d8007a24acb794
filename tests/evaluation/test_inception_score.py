"""The inception score against closed forms and torchmetrics."""

import numpy as np
import pytest
import torch

from prism.evaluation.inception_score import inception_score


def test_golden_values(golden):
    wanted = golden["inception_score"]
    one_hot = np.eye(10)
    assert inception_score(probabilities=one_hot, splits=1).mean == pytest.approx(wanted["one_hot"])
    uniform = np.full((20, 10), 0.1)
    assert inception_score(probabilities=uniform, splits=1).mean == pytest.approx(wanted["uniform"])
    two = np.array([[0.9, 0.1], [0.1, 0.9]])
    assert inception_score(probabilities=two, splits=1).mean == pytest.approx(wanted["two"], abs=1e-12)


def test_shuffling_saves_sets_sorted_by_class(golden):
    by_class = np.eye(10).repeat(200, axis=0)
    ordered = inception_score(probabilities=by_class, splits=10, seed=None)
    assert ordered.mean == pytest.approx(golden["inception_score"]["sorted_in_splits"])
    assert inception_score(probabilities=by_class, splits=10).mean == pytest.approx(10, rel=0.05)


def test_equals_torchmetrics_on_one_split():
    reference = pytest.importorskip("torchmetrics.image.inception")
    logits = torch.randn(64, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    class Identity(torch.nn.Module):
        def forward(self, x):
            return x

    score = reference.InceptionScore(feature=Identity(), splits=1)
    score.update(logits)
    assert inception_score(probabilities=logits.softmax(1), splits=1).mean == pytest.approx(
        score.compute()[0].item(), rel=1e-6
    )


def test_logits_are_refused():
    with pytest.raises(ValueError, match="logits need a softmax first"):
        inception_score(probabilities=np.array([[2.0, -1.0]]), splits=1)
    with pytest.raises(ValueError, match="at least 10"):
        inception_score(probabilities=np.full((4, 2), 0.5), splits=10)
