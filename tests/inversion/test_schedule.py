"""Steps, sizes, rates and the composition of batches: all of it from the configuration alone."""

import math

import pytest

from prism.data.shards import shard_plan
from prism.inversion.schedule import Phase, batches, learning_rate, level_of, phases

from .conftest import settings


def test_the_rate_rises_over_the_warm_up_and_falls_as_half_a_cosine():
    def rate(step):
        return learning_rate(step, iterations=110, peak=0.2, warmup=10)

    assert [rate(0), rate(4), rate(9)] == pytest.approx([0.02, 0.1, 0.2])
    assert rate(10) == 0.2 and rate(60) == pytest.approx(0.1) and 0 < rate(109) < 1e-4
    assert rate(35) == pytest.approx(0.1 * (1 + math.cos(math.pi / 4)))
    assert learning_rate(99, iterations=100, peak=0.2, schedule="constant") == 0.2


def test_half_resolution_comes_first():
    found = phases(settings(coarse_iterations=2000, iterations=1000), 224)
    assert found == [Phase(224, 2, 2000), Phase(224, 1, 1000)]
    assert phases(settings(iterations=5), 224) == [Phase(224, 1, 5)]


def test_a_growth_has_the_published_seven_stages_and_ends_at_the_full_side():
    found = phases(settings(iterations=400, growth={}), 224)
    assert [phase.side_px for phase in found] == [56, 84, 112, 140, 168, 196, 224]
    assert {phase.iterations for phase in found} == {400}
    assert phases(settings(growth={}), 36)[-1].side_px == 36, "sides that eighths do not divide end there too"


def test_early_and_late_batches_have_the_published_steps():
    published = settings(iterations=4000, early_late=8)
    assert [phases(published, 32, level)[0].iterations for level in range(8)] == [4000 - 500 * k for k in range(8)]


def test_levels_follow_the_index_of_a_class_s_images():
    plan = shard_plan(10, 20, 2)
    of_one = [level_of(part, 8) for part in batches(plan[0], 10)]
    assert of_one == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1], "one image of each class a batch, as published"
    assert [level_of(part, 8) for part in batches(plan[1], 10)] == [2, 3, 4, 5, 6, 7, 0, 1, 2, 3]
    assert [level_of(part, 8) for part in batches(plan[0], 20)] == [0, 1, 2, 3, 4], "two of each"
    assert {level_of(part, 1) for part in batches(plan[0], 10)} == {0}


@pytest.mark.parametrize("batch", [1, 7, 50, 64, 200, 999])
def test_batches_cover_the_plan_once_and_are_of_equal_size(batch):
    plan = shard_plan(10, 40, 2)[1]
    found = batches(plan, batch)
    assert [place for part in found for place in part] == plan
    sizes = {len(part) for part in found}
    assert max(sizes) <= batch and max(sizes) - min(sizes) <= 1


def test_batches_mix_classes_unless_told_otherwise():
    plan = shard_plan(10, 8, 1)[0]
    assert all(len({c for c, _ in part}) == 10 for part in batches(plan, 20))
    few = batches(plan, 20, classes_per_batch=2)
    assert all(len({c for c, _ in part}) == 2 and len(part) == 16 for part in few)
    assert sorted(place for part in few for place in part) == sorted(plan)
