"""The objective is the weighted sum of its terms, over the teachers that have a part in the step."""

import pytest
import torch
from torch.nn import functional

from prism.guidance.batch_norm import batch_norm
from prism.inversion import terms
from prism.inversion.objective import Objective, Team, teams, to_normalised, to_unit
from prism.models.statistics import StatisticsRecorder

from .conftest import classifier, settings

LABELS = torch.tensor([0, 1, 2, 0])


def view(seed=0):
    return torch.randn(4, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def distance(teacher, shown):
    """By torch's own layers; ``shown`` as ``teacher`` normalises it."""
    with StatisticsRecorder(teacher.network) as recorder:
        logits = teacher.network(shown)
    return batch_norm(recorder.statistics, first_weight=10), logits


def test_deepinversion_is_the_weighted_sum_of_its_terms():
    teacher = classifier(1)
    weights = {"batch_norm": 0.3, "tv_l1": 0.05, "tv_l2": 0.07, "l2": 0.01, "cross_entropy": 2.0}
    gap, logits = distance(teacher, view())
    wanted = 2 * functional.cross_entropy(logits, LABELS) + 0.3 * gap
    wanted = wanted + 0.05 * terms.total_variation_l1(view()) + 0.07 * terms.total_variation_l2(view())
    wanted = wanted + 0.01 * terms.mean_norm(view())
    got = Objective(settings(**weights), [teacher])(view(), LABELS, Team(0, (0,)))
    assert float(got) == pytest.approx(float(wanted), rel=1e-9)


def test_the_gradient_through_everything_is_that_of_finite_differences():
    teacher, student = classifier(1), classifier(2)
    weights = {"batch_norm": 0.3, "tv_l1": 0.05, "tv_l2": 0.07, "l2": 0.01, "densification": 0.5}
    weights |= {"adaptive": {"weight": 0.4, "images": "a", "student": "miniature-student"}}
    objective = Objective(settings(**weights), [teacher], student=student)
    members = [torch.tensor([0]), torch.tensor([1, 2, 3])]

    def value(pixels):
        # A small scale keeps densification away from eigenvalues whose softmax is one or zero.
        return objective(pixels, LABELS, Team(0, (0,)), members=members)

    pixels = (0.1 * view()).requires_grad_()
    (gradient,) = torch.autograd.grad(value(pixels), pixels)
    # The target of the densification is constant in the gradient: it is measured with that term alone elsewhere.
    plain = Objective(settings(**{**weights, "densification": 0.0}), [teacher], student=student)
    (without,) = torch.autograd.grad(plain(pixels, LABELS, Team(0, (0,))), pixels)
    (dense,) = torch.autograd.grad(0.5 * terms.densification(pixels, members), pixels)
    torch.testing.assert_close(gradient, without + dense)
    for place in ((0, 0, 3, 4), (3, 2, 7, 0), (1, 1, 5, 5)):
        step = torch.zeros_like(pixels)
        step[place] = 1e-6
        with torch.no_grad():
            ahead = plain(pixels + step, LABELS, Team(0, (0,)))
            slope = (ahead - plain(pixels - step, LABELS, Team(0, (0,)))) / 2e-6
        assert float(without[place]) == pytest.approx(float(slope), rel=1e-4, abs=1e-8)
        assert float(slope) != 0


def test_the_competition_enters_with_its_weight_and_its_form():
    teacher, student = classifier(1), classifier(2)
    logits, answers = teacher.network(view()), student.network(view())
    for js in ("jensen-shannon", "released"):
        adaptive = {"weight": 0.2, "js": js, "images": "a", "student": "miniature-student"}
        objective = Objective(settings(adaptive=adaptive), [teacher], student=student)
        wanted = functional.cross_entropy(logits, LABELS) + 0.2 * terms.competition(answers, logits, js=js)
        assert float(objective(view(), LABELS, Team(0, (0,)))) == pytest.approx(float(wanted), rel=1e-9)


def test_a_student_that_does_not_fit_the_settings_is_refused():
    with pytest.raises(ValueError, match="does not fit inversion.adaptive"):
        Objective(settings(), [classifier(1)], student=classifier(2))


def test_prism_dd_takes_logits_of_one_and_the_mean_distance_of_the_subset():
    teachers = [classifier(seed) for seed in range(3)]
    gaps = [distance(teacher, view()) for teacher in teachers]
    objective = Objective(settings(batch_norm=0.5, teachers="subset"), teachers)
    wanted = functional.cross_entropy(gaps[0][1], LABELS) + 0.5 * (gaps[0][0] + gaps[2][0]) / 2
    assert float(objective(view(), LABELS, Team(0, (0, 2)))) == pytest.approx(float(wanted), rel=1e-9)


def test_g_vbsm_takes_both_from_the_one_in_turn():
    teachers = [classifier(seed) for seed in range(2)]
    objective = Objective(settings(batch_norm=0.5, teachers="rotate"), teachers)
    gap, logits = distance(teachers[1], view())
    wanted = functional.cross_entropy(logits, LABELS) + 0.5 * gap
    assert float(objective(view(), LABELS, Team(1, (1,)))) == pytest.approx(float(wanted), rel=1e-9)


def test_each_teacher_keeps_its_own_average():
    teachers = [classifier(seed) for seed in range(2)]
    objective, past = Objective(settings(batch_norm=1.0, teachers="rotate", average=0.4), teachers), {}
    plain = Objective(settings(batch_norm=1.0, teachers="rotate"), teachers)
    for index in (0, 1):
        first = objective(view(), LABELS, Team(index, (index,)), past=past)
        assert float(first) == pytest.approx(float(plain(view(), LABELS, Team(index, (index,)))))
    assert set(past) == {0, 1}
    second = objective(view(5), LABELS, Team(0, (0,)), past=past)
    assert float(second) != pytest.approx(float(plain(view(5), LABELS, Team(0, (0,)))))


def test_teachers_of_another_normalisation_and_size_see_the_same_picture():
    primary, other = classifier(1), classifier(2)
    other.mean, other.std, other.size_px = torch.full_like(other.mean, 0.1), torch.full_like(other.std, 0.7), 16
    seen = []
    other.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    objective = Objective(settings(teachers="rotate"), [primary, other])
    objective(to_normalised(torch.full((4, 3, 8, 8), 0.8).double(), primary), LABELS, Team(1, (1,)))
    assert seen[0].shape == (4, 3, 16, 16)
    torch.testing.assert_close(seen[0], torch.full_like(seen[0], 1.0))
    torch.testing.assert_close(to_unit(to_normalised(view(), primary), primary), view())


def test_rotation_gives_each_teacher_its_turn():
    found = teams(settings(teachers="rotate", batch_norm=1), 3, 7, seed=1)
    assert [team.classifies for team in found] == [0, 1, 2, 0, 1, 2, 0]
    assert all(team.compared == (team.classifies,) for team in found)


def test_a_subset_has_the_primary_teacher_and_stays_where_it_is_drawn_once():
    once = [teams(settings(teachers="subset"), 4, 3, seed) for seed in range(60)]
    assert all(len(set(found)) == 1 for found in once)
    assert {team.classifies for found in once for team in found} == {0}
    assert all(0 in found[0].compared for found in once)
    sizes = [len(found[0].compared) - 1 for found in once]
    assert set(sizes) == {0, 1, 2, 3} and 1.1 <= sum(sizes) / 60 <= 1.9, "three slots, each filled half of the time"
    anew = teams(settings(teachers="subset", teachers_drawn="anew"), 4, 60, seed=1)
    assert len(set(anew)) > 4
    assert anew == teams(settings(teachers="subset", teachers_drawn="anew"), 4, 60, seed=1)
