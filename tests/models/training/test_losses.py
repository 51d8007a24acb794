"""Losses against values worked out by hand."""

import json

import pytest
import torch

from prism.models.training.losses import FeatureMatch, hard_label_loss, soft_label_loss


@pytest.fixture
def golden(project_root):
    return json.loads((project_root / "tests/golden/losses.json").read_text())


def row(values):
    return torch.tensor([values], dtype=torch.float32)


def test_soft_label_loss_has_the_golden_values(golden):
    for case in golden["soft_label_loss"]:
        loss = soft_label_loss(row(case["student"]), row(case["teacher"]), temperature=case["temperature"])
        assert loss.item() == pytest.approx(case["value"], rel=1e-5, abs=1e-6)


def test_soft_label_loss_is_the_mean_over_the_batch_not_over_classes():
    student, teacher = torch.randn(5, 4), torch.randn(5, 4)
    each = [soft_label_loss(student[i : i + 1], teacher[i : i + 1], temperature=3) for i in range(5)]
    torch.testing.assert_close(soft_label_loss(student, teacher, temperature=3), torch.stack(each).mean())


def test_at_high_temperature_the_loss_is_half_the_mean_squared_difference_of_centred_logits():
    student, teacher = torch.randn(3, 6), torch.randn(3, 6)
    difference = (student - student.mean(1, keepdim=True)) - (teacher - teacher.mean(1, keepdim=True))
    limit = difference.pow(2).sum(1).mean() / (2 * 6)
    torch.testing.assert_close(soft_label_loss(student, teacher, temperature=100.0), limit, rtol=0.05, atol=0)


def test_the_loss_is_finite_where_the_teacher_is_certain():
    certain = row([1e4, 0.0, -1e4])
    assert soft_label_loss(-certain, certain, temperature=1).isfinite()


@pytest.mark.parametrize("temperature", [0, -1])
def test_a_temperature_that_is_not_positive_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        soft_label_loss(row([1, 2]), row([1, 2]), temperature=temperature)


def test_other_numbers_of_classes_are_refused():
    with pytest.raises(ValueError, match="both must be"):
        soft_label_loss(row([1, 2]), row([1, 2, 3]), temperature=1)


def test_hard_labels_may_be_classes_or_probabilities():
    logits = torch.randn(4, 3)
    labels = torch.tensor([0, 2, 1, 1])
    probabilities = torch.nn.functional.one_hot(labels, 3).float()
    torch.testing.assert_close(hard_label_loss(logits, labels), hard_label_loss(logits, probabilities))


def test_feature_matching_is_zero_for_a_linear_image_and_does_not_depend_on_the_teachers_scale():
    match = FeatureMatch(4, 6)
    student = torch.randn(10, 4)
    with torch.no_grad():
        match.adapter.bias.zero_()
        match.adapter.weight /= match.adapter(student).pow(2).mean().sqrt()
        assert match(student, 5 * match.adapter(student)).item() == pytest.approx(0, abs=1e-10)
        match.adapter.weight.zero_()
    teacher = torch.randn(10, 6)
    torch.testing.assert_close(match(student, teacher), torch.tensor(1.0))
    torch.testing.assert_close(match(student, 1000 * teacher), torch.tensor(1.0))
