"""Energies: closed forms, and gradients against finite differences in float64."""

import math

import pytest
import torch

from prism.config.names import ENERGIES as NAMES
from prism.config.names import RESERVED_ENERGIES
from prism.guidance import ENERGIES, Term, cross_entropy, elucidated, free, hinged, joint
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


@pytest.mark.parametrize("name", ENERGIES)
def test_gradient_matches_finite_differences(name):
    class Linear64(torch.nn.Linear):
        pass

    torch.manual_seed(0)
    layer = Linear64(6, 4).double()
    x = torch.randn(3, 6, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 3, 1])

    def energy(values):
        # float() inside the energies would hide the comparison: cancel it for float64 input
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch.Tensor, "float", lambda self: self)
            return ENERGIES[name](torch.tanh(layer(values)), labels, 1.5).sum()

    assert torch.autograd.gradcheck(energy, (x,), eps=1e-6, atol=1e-7)


def test_hinge_stops_the_gradient_at_and_below_its_reference():
    energy = torch.tensor([-3.0, -2.0, 1.0], requires_grad=True)
    hinged(energy, -2.0).sum().backward()
    assert energy.grad.tolist() == [0.0, 0.0, 1.0]


def test_the_configuration_offers_exactly_the_registered_energies():
    assert set(NAMES) - set(RESERVED_ENERGIES) == set(ENERGIES)


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
    ],
)
def test_term_names_the_wrong_value(field, value, part):
    fields = {"energy": "free", "scale": 0.1, field: value}
    with pytest.raises(ValueError, match=part) as error:
        Term(**fields)
    assert field in str(error.value)
