"""Several teachers, one answer: at equal norm, each image by itself."""

import pytest
import torch

from prism.relabelling.ensemble import ensemble


def test_each_answer_has_the_mean_norm_before_they_are_averaged():
    # norms 5 and 10, mean 7.5: (3, 4) becomes (4.5, 6), (0, 10) becomes (0, 7.5)
    logits = torch.tensor([[[3.0, 4.0]], [[0.0, 10.0]]], dtype=torch.float64)
    assert torch.allclose(ensemble(logits), torch.tensor([[2.25, 6.75]], dtype=torch.float64))


def test_teachers_that_differ_in_scale_alone_agree_and_no_image_touches_another():
    draws = torch.Generator().manual_seed(0)
    one = torch.randn(6, 5, generator=draws, dtype=torch.float64)
    assert torch.allclose(ensemble(torch.stack([one, 3 * one, 5 * one])), 3 * one)
    both = torch.randn(2, 6, 5, generator=draws, dtype=torch.float64)
    assert torch.allclose(ensemble(both)[2:3], ensemble(both[:, 2:3]))


def test_one_teacher_s_answer_stays_as_it_is_to_the_bit():
    one = torch.randn(1, 6, 5)
    assert torch.equal(ensemble(one), one[0])


def test_an_answer_of_zeros_is_no_division_by_zero():
    assert torch.isfinite(ensemble(torch.stack([torch.zeros(2, 3), torch.ones(2, 3)]))).all()


@pytest.mark.parametrize("shape", [(2, 3), (0, 2, 3)])
def test_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"must be \(teachers, batch, classes\)"):
        ensemble(torch.zeros(shape))
