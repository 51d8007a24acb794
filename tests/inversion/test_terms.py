"""Every term against closed forms, SciPy and finite differences."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from prism.inversion import terms


def images(*shape, seed=0):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def logits(seed, batch=4, classes=5):
    return 3 * torch.randn(batch, classes, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_jensen_shannon_of_certain_and_opposed_answers_is_log_two():
    one, other = torch.tensor([[1e4, 0.0]]).double(), torch.tensor([[0.0, 1e4]]).double()
    assert float(terms.jensen_shannon(one, other)) == pytest.approx(math.log(2), rel=1e-12)
    assert float(terms.jensen_shannon(one, one)) == 0


def test_jensen_shannon_golden_value():
    """p = (1/2, 1/2), q = (3/4, 1/4): (log 16/15 / 2 + 3/4 log 6/5 + 1/4 log 2/3) / 2, by hand."""
    p, q = torch.tensor([[0.5, 0.5]]).double().log(), torch.tensor([[0.75, 0.25]]).double().log()
    wanted = (0.5 * math.log(16 / 15) + 0.75 * math.log(6 / 5) + 0.25 * math.log(2 / 3)) / 2
    assert float(terms.jensen_shannon(p, q, 1.0)) == pytest.approx(wanted, rel=1e-12)
    assert wanted == pytest.approx(0.0338220755, abs=1e-9)


def test_jensen_shannon_is_scipy_s():
    one, other = logits(1), logits(2)
    for row in range(4):
        p, q = (softmax(each[row].numpy() / 3) for each in (one, other))
        assert float(terms.jensen_shannon(one, other)[row]) == pytest.approx(jensenshannon(p, q) ** 2, rel=1e-10)


def test_the_released_divergence_is_the_reversed_one_on_cut_probabilities():
    p, q = (torch.tensor([row], dtype=torch.float64) for row in ((0.999, 0.001), (0.3, 0.7)))
    m = np.array([(0.999 + 0.3) / 2, (0.001 + 0.7) / 2])
    p_cut, q_cut = np.array([0.99, 0.01]), np.array([0.3, 0.7])
    wanted = (m * (np.log(m) - (np.log(p_cut) + np.log(q_cut)) / 2)).sum()
    assert float(terms.reversed_divergence(p.log(), q.log(), 1.0)) == pytest.approx(wanted, rel=1e-12)
    assert wanted != pytest.approx(float(terms.jensen_shannon(p.log(), q.log(), 1.0)), rel=0.05)


def test_competition_falls_as_student_and_teacher_part():
    one = logits(1)
    assert float(terms.competition(one, one)) == 1
    assert float(terms.competition(one, -one)) < float(terms.competition(one, 0.9 * one)) < 1
    mean = terms.jensen_shannon(one, -one).mean()
    assert float(terms.competition(one, -one)) == pytest.approx(1 - float(mean))


def test_total_variation_of_a_ramp_is_known():
    ramp = torch.arange(4.0).expand(2, 3, 4, 4).double()  # rises by 1 to the right; diagonals differ by 1 too
    assert float(terms.total_variation_l1(ramp)) == pytest.approx(3.0)
    across, diagonal = math.sqrt(2 * 3 * 4 * 3), math.sqrt(2 * 3 * 3 * 3)
    assert float(terms.total_variation_l2(ramp)) == pytest.approx(across + 2 * diagonal)


def test_total_variation_looks_at_both_diagonals():
    lone = torch.tensor([[[[0.0, 0.0], [1.0, 0.0]]]]).double()
    assert float(terms.total_variation_l1(lone)) == pytest.approx(0.5 + 0.5 + 1.0 + 0.0)
    assert float(terms.total_variation_l1(lone.flip(3))) == pytest.approx(0.5 + 0.5 + 0.0 + 1.0)


def test_mean_norm_counts_every_image_of_any_batch():
    pictures = torch.stack([torch.full((3, 2, 2), 1.0), torch.full((3, 2, 2), 2.0), torch.zeros(3, 2, 2)]).double()
    assert float(terms.mean_norm(pictures)) == pytest.approx(math.sqrt(12) * (1 + 2 + 0) / 3)


def test_densification_is_the_divergence_of_the_gram_matrix_s_eigenvalues():
    pictures = images(5, 1, 2, 2)
    members = [torch.tensor([0, 2]), torch.tensor([1, 3]), torch.tensor([4])]
    wanted = 0.0
    for rows in members:
        flat = pictures[rows].flatten(1).numpy()
        values = np.linalg.svd(flat, compute_uv=False) ** 2  # without the Gram matrix
        target, own = softmax(values / 4), softmax(values)
        wanted += (target * np.log(target / own)).sum()
    assert wanted > 0.01
    assert float(terms.densification(pictures, members)) == pytest.approx(wanted, rel=1e-9)


def test_densification_of_one_image_a_class_is_nothing():
    assert float(terms.densification(images(2, 3, 4, 4), [torch.tensor([0]), torch.tensor([1])])) == 0


def test_densification_sees_large_images_averaged_to_32_px():
    large = images(3, 1, 64, 64) / 10
    small = torch.nn.functional.avg_pool2d(large, 2)
    members = [torch.arange(3)]
    assert float(terms.densification(large, members)) == pytest.approx(float(terms.densification(small, members)))


TERMS = {
    "tv l1": terms.total_variation_l1,
    "tv l2": terms.total_variation_l2,
    "norm": terms.mean_norm,
}


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS)
def test_pixels_gradient_is_that_of_finite_differences(term):
    pixels = images(3, 2, 4, 4).requires_grad_()
    assert torch.autograd.gradcheck(term, (pixels,))
    (gradient,) = torch.autograd.grad(term(pixels), pixels)
    assert float(gradient.abs().max()) > 0


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS)
def test_gradient_of_a_grey_start_is_a_number(term):
    pixels = torch.zeros(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(term(pixels), pixels)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("divergence", [terms.jensen_shannon, terms.reversed_divergence])
def test_divergences_gradient_is_that_of_finite_differences(divergence):
    pair = (logits(1).requires_grad_(), logits(2).requires_grad_())
    assert torch.autograd.gradcheck(divergence, pair)


def test_densification_s_gradient_treats_its_target_as_constant():
    pictures, members = (0.3 * images(4, 1, 2, 2)).requires_grad_(), [torch.arange(3)]
    (gradient,) = torch.autograd.grad(terms.densification(pictures, members), pictures)
    start = pictures.detach()[:3].flatten(1).numpy()
    target = softmax(np.linalg.svd(start, compute_uv=False) ** 2 / 4)

    def value(flat):
        own = softmax(np.linalg.svd(flat, compute_uv=False) ** 2)
        return (target * np.log(target / own)).sum()

    for row, column in ((0, 0), (1, 3), (2, 2)):
        ahead, behind = start.copy(), start.copy()
        ahead[row, column] += 1e-6
        behind[row, column] -= 1e-6
        slope = (value(ahead) - value(behind)) / 2e-6
        assert float(gradient.flatten(1)[row, column]) == pytest.approx(slope, rel=1e-4, abs=1e-8)
    assert float(gradient[3].abs().max()) == 0
