"""The trial tells a right gradient from a wrong one."""

import pytest

from prism.guidance import ENERGIES, Energy, gradient_gap


@pytest.mark.parametrize("name", ENERGIES)
def test_the_library_s_energies_have_the_gradient_of_finite_differences(name):
    """Those that compute in float32 are known to 1e-7 / 1e-3, the length of a difference."""
    assert gradient_gap(ENERGIES[name]) < 5e-3


def test_what_is_detached_shows():
    wrong = Energy(lambda answers, term: (answers.logits * answers.logits.detach()).sum(dim=1))
    assert gradient_gap(wrong) > 0.1
    assert gradient_gap(Energy(lambda answers, term: answers.logits.square().sum(dim=1))) < 1e-6


def test_an_energy_is_given_what_it_says_that_it_reads():
    def reads(answers, term):
        return answers.student_logits.sum(dim=1) + answers.statistics["image"][1].mean.sum(dim=1)

    assert gradient_gap(Energy(reads, statistics=True, student=True)) < 1e-6
    with pytest.raises(KeyError):
        gradient_gap(Energy(lambda answers, term: answers.statistics["image"]))
