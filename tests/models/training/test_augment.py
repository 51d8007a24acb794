"""Augmentation: a function of its seed, within [0, 1], and each change does what its name says."""

import numpy as np
import pytest
import torch

from prism.models.training.augment import (
    Augmentation,
    augment,
    random_flip,
    random_resized_crop,
    random_shift,
)
from prism.seeds import generator

ALL = Augmentation(crop_padding_px=4, crop_scale=(0.35, 1.0), flip=True, mixup_alpha=0.4, cutmix_alpha=1.0)


@pytest.fixture
def batch():
    images = torch.rand(9, 3, 16, 16, generator=generator(0))
    return images, torch.eye(9)


def test_equal_seeds_draw_the_same_and_the_input_stays(batch):
    images, targets = batch
    before = images.clone(), targets.clone()
    one, other = (augment(images, targets, ALL, generator(1)) for _ in range(2))
    assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])
    assert not torch.equal(one[0], augment(images, targets, ALL, generator(2))[0])
    assert torch.equal(images, before[0]) and torch.equal(targets, before[1])


@pytest.mark.parametrize("seed", range(5))
def test_images_stay_in_range_and_targets_stay_probabilities(batch, seed):
    images, targets = augment(*batch, ALL, generator(seed))
    assert images.shape == (9, 3, 16, 16) and 0 <= images.min() and images.max() <= 1
    torch.testing.assert_close(targets.sum(1), torch.ones(9))


def test_no_augmentation_changes_nothing(batch):
    assert Augmentation().is_identity and not ALL.is_identity
    assert augment(*batch, Augmentation(), generator(0))[0] is batch[0]


def test_a_shift_moves_each_image_on_its_own_and_keeps_the_pixels_within(batch):
    images = batch[0]
    shifted = random_shift(images, 3, generator(0))
    places = set()
    for image, moved in zip(images, shifted, strict=True):
        fits = [
            (down, right)
            for down in range(-3, 4)
            for right in range(-3, 4)
            if torch.equal(moved[:, 3:13, 3:13], image[:, 3 + down : 13 + down, 3 + right : 13 + right])
        ]
        assert len(fits) == 1
        places.update(fits)
    assert len(places) > 3


def test_half_of_the_images_are_mirrored():
    images = torch.rand(1000, 3, 2, 4)
    mirrored = random_flip(images, generator(0))
    flipped = (mirrored == images.flip(3)).all(dim=(1, 2, 3))
    assert torch.equal(mirrored[~flipped], images[~flipped])
    assert 420 < flipped.sum() < 580


def test_a_resized_crop_of_everything_is_nearly_the_image_and_has_the_size_asked_for():
    images = torch.rand(4, 3, 16, 16)
    assert random_resized_crop(images, (0.3, 1.0), generator(0), 12).shape == (4, 3, 12, 12)
    ramp = torch.linspace(0, 1, 32).view(1, 1, 1, 32).expand(64, 3, 32, 32)
    crops = random_resized_crop(ramp, (0.2, 0.3), generator(0))
    spans = crops[:, 0, 16, -1] - crops[:, 0, 16, 0]
    assert 0.3 < spans.min() and spans.max() < 0.7  # sides of areas 0.2 to 0.3 in ratios 3:4 to 4:3


def test_mixup_mixes_targets_as_it_mixes_images_and_leaves_numpys_state_alone():
    images = torch.eye(8).view(8, 1, 1, 8).expand(8, 3, 4, 8).contiguous()  # image i is bright in column i
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    mixed, targets = augment(images, torch.eye(8), Augmentation(mixup_alpha=1.0), generator(4))
    assert np.random.rand() == expected
    torch.testing.assert_close(mixed[:, 0, 0], targets)
    assert (targets > 0).sum() == 16


def test_an_odd_image_out_is_not_mixed():
    images = torch.rand(5, 3, 4, 4)
    mixed, targets = augment(images, torch.eye(5), Augmentation(mixup_alpha=1.0), generator(4))
    assert torch.equal(mixed[4], images[4]) and torch.equal(targets[4], torch.eye(5)[4])


@pytest.mark.parametrize(
    "wrong",
    [
        {"crop_padding_px": -1},
        {"crop_scale": (0.0, 1.0)},
        {"crop_scale": (0.9, 0.5)},
        {"mixup_alpha": -0.1},
    ],
)
def test_values_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Augmentation(**wrong)
