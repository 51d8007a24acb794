"""Energies: closed forms, and gradients against finite differences in float64."""

import math

import pytest
import torch

from prism.config.names import ENERGIES as NAMES
from prism.guidance import (
    ENERGIES,
    Answers,
    Term,
    adversarial,
    cross_entropy,
    divergence,
    elucidated,
    free,
    hinged,
    joint,
)
from prism.guidance.batch_norm import Statistics, batch_norm
from prism.guidance.elucidated import DISCOUNT

LOGITS = torch.tensor([[1.0, 2.0, 3.0], [0.5, -1.0, 0.0]])
LABELS = torch.tensor([2, 1])


def test_free_energy_is_minus_log_sum_exp():
    expected = [-math.log(sum(math.exp(v) for v in row)) for row in LOGITS.tolist()]
    assert free(LOGITS, LABELS, 1.0).tolist() == pytest.approx(expected)


def test_free_energy_at_high_temperature_tends_to_the_mean_logit_less_the_entropy_term():
    hot = 1e4
    assert (free(LOGITS, LABELS, hot) + hot * math.log(3)).tolist() == pytest.approx(
        (-LOGITS.mean(dim=1)).tolist(), abs=1e-2
    )


def test_joint_energy_is_free_energy_plus_cross_entropy():
    torch.testing.assert_close(joint(LOGITS, LABELS), free(LOGITS, LABELS) + cross_entropy(LOGITS, LABELS))


def test_elucidated_lies_between_joint_and_cross_entropy():
    expected = torch.logsumexp(DISCOUNT * LOGITS, dim=1) - LOGITS.gather(1, LABELS[:, None]).squeeze(1)
    torch.testing.assert_close(elucidated(LOGITS, LABELS), expected)


def test_cross_entropy_is_torchs():
    torch.testing.assert_close(
        cross_entropy(LOGITS, LABELS, 2.0), torch.nn.functional.cross_entropy(LOGITS / 2, LABELS, reduction="none")
    )


def test_divergence_has_the_known_values_and_is_zero_for_equal_logits():
    """Golden values of KL(softmax([3, 2, 1] / T) || softmax([1, 2, 3] / T)), times T^2, at T = 1 and 4."""
    teacher, student = torch.tensor([[3.0, 2.0, 1.0]]), torch.tensor([[1.0, 2.0, 3.0]])
    assert divergence(teacher, student).item() == pytest.approx(1.1504207652088825)
    assert 16 * divergence(teacher, student, 4.0).item() == pytest.approx(1.3196299121538528, rel=1e-5)
    assert divergence(teacher, teacher + 5).item() == pytest.approx(0, abs=1e-6)


def test_adversarial_energy_is_minus_the_divergence_where_both_name_the_same_class_and_zero_elsewhere():
    teacher = torch.tensor([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    student = torch.tensor([[0.5, 0.4, 0.3], [1.0, 2.0, 3.0]], requires_grad=True)
    energy = adversarial(teacher, student)
    assert energy.tolist() == pytest.approx([-divergence(teacher, student)[0].item(), 0.0])
    energy.sum().backward()
    assert student.grad[0].abs().sum() > 0 and student.grad[1].abs().sum() == 0


def test_energy_of_a_batch_s_statistics_belongs_to_each_of_its_images():
    layer = Statistics(torch.tensor([3.0, 4.0]), torch.ones(2), torch.zeros(2), torch.ones(2))
    answers = Answers(LOGITS, LABELS, {"batch": [layer]})
    term = Term("batch-norm", 1.0, statistics="batch", first_weight=2.0)
    assert ENERGIES["batch-norm"].of(answers, term).tolist() == [10.0, 10.0]


def test_what_is_not_a_number_is_no_energy_of_zero():
    layer = Statistics(torch.tensor([float("nan"), 4.0]), torch.ones(2), torch.zeros(2), torch.ones(2))
    assert math.isnan(float(batch_norm([layer])))


@pytest.mark.parametrize("name", ENERGIES)
def test_gradient_matches_finite_differences(name):
    torch.manual_seed(0)
    layer = torch.nn.Linear(6, 4).double()
    running = torch.randn(2, dtype=torch.float64), torch.rand(2, dtype=torch.float64)
    term = Term(name, 1.0, temperature=1.5, first_weight=3.0)
    x = torch.randn(3, 6, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 3, 1])

    def energy(values):
        # float() inside the energies would hide the comparison: cancel it for float64 input
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch.Tensor, "float", lambda self: self)
            logits = torch.tanh(layer(values))
            places = values.view(3, 2, 3)  # images of two channels
            seen = Statistics(places.mean(dim=2), places.var(dim=2, correction=0), *running)
            answers = Answers(logits, labels, {"image": [seen, seen]}, 0.5 * logits)
            return ENERGIES[name].of(answers, term).sum()

    assert torch.autograd.gradcheck(energy, (x,), eps=1e-6, atol=1e-7)


def test_hinge_stops_the_gradient_at_and_below_its_reference():
    energy = torch.tensor([-3.0, -2.0, 1.0], requires_grad=True)
    hinged(energy, -2.0).sum().backward()
    assert energy.grad.tolist() == [0.0, 0.0, 1.0]


def test_the_configuration_offers_exactly_the_registered_energies():
    assert set(NAMES) == set(ENERGIES)


def test_term_acts_in_its_interval_and_each_so_many_steps():
    term = Term("free", 0.2, interval=(0.3, 0.7), every=2)
    assert [step for step in range(10) if term.active(step, 10)] == [4, 6]
    assert not Term("free", 0.0).active(5, 10)


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [
        ("interval", (0.7, 0.3), "0 <= start < stop <= 1"),
        ("scale", -1.0, "at least 0"),
        ("every", 0, "at least 1"),
        ("temperature", 0.0, "above 0"),
        ("through", "sideways", "clean, noisy, raw"),
        ("decoder", "huge", "full, tiny"),
        ("step", "huge", "relative, absolute"),
        ("moves", "raw", "clean, noisy"),
        ("statistics", "class", "image, batch"),
        ("first_weight", -1.0, "at least 0"),
    ],
)
def test_term_names_the_wrong_value(field, value, part):
    fields = {"energy": "free", "scale": 0.1, field: value}
    with pytest.raises(ValueError, match=part) as error:
        Term(**fields)
    assert field in str(error.value)
