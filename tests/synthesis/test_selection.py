"""Selection: the better candidates, as many as without it, none drawn by two shards."""

import numpy as np
import pytest

from prism.data.shards import Sample, sample_key, shard_plan
from prism.synthesis.selection import Candidates, selected


def candidate(label, index, energy, confidence=0.5):
    record = {"class_index": label, "image_index": index, "energy": energy, "teacher_confidence": confidence}
    return Sample(sample_key(label, index), np.full((2, 2, 3), index, np.uint8), record)


@pytest.mark.parametrize(("draw", "further"), [(1.0, 0), (1.1, 1), (1.5, 5), (1.51, 6), (3.0, 20)])
def test_the_number_of_candidates_is_rounded_up(draw, further):
    assert Candidates(40, 4, draw).further == further


def test_no_two_shards_draw_the_same_candidate_and_the_first_ones_are_the_places():
    candidates = Candidates(6, 2, 1.5)
    drawn = []
    for shard, places in enumerate(shard_plan(3, 6, 2)):
        of_shard = candidates.of(places, shard)
        assert of_shard[: len(places)] == places and len(of_shard) == 3 * 5
        drawn += of_shard
    assert len(set(drawn)) == len(drawn)
    assert {index for _, index in drawn} == set(range(10))


def test_further_candidates_take_the_prompts_of_their_shard_in_turn():
    prompts = Candidates(6, 2, 2.5).with_candidates(list("abcdef"))
    assert "".join(prompts) == "abcdef" + "abcab" + "defde"


def test_the_lowest_energies_stay_and_right_predictions_come_first():
    samples = [candidate(0, 0, -1.0), candidate(0, 1, -5.0), candidate(0, 6, -3.0), candidate(0, 7, -9.0)]
    kept = selected(samples, [True, True, True, False], [(0, 0), (0, 1)], by="energy")
    assert [sample.record["candidate_index"] for sample in kept] == [1, 6]
    assert [(sample.key, sample.record["image_index"]) for sample in kept] == [("0000-000000", 0), ("0000-000001", 1)]
    assert [int(sample.image[0, 0, 0]) for sample in kept] == [1, 6]
    assert all(sample.record["energy"] != -9.0 for sample in kept), (
        "a wrong prediction does not come before a right one"
    )


def test_a_wrong_prediction_fills_a_place_that_no_right_one_takes():
    samples = [candidate(0, 0, -1.0), candidate(0, 1, -2.0), candidate(0, 2, -7.0)]
    kept = selected(samples, [True, False, False], [(0, 0), (0, 1)], by="energy")
    assert [sample.record["candidate_index"] for sample in kept] == [0, 2]


def test_by_confidence_the_surest_stay():
    samples = [candidate(1, 0, -9.0, 0.2), candidate(1, 1, -1.0, 0.9), candidate(1, 2, -1.0, 0.9)]
    kept = selected(samples, [True] * 3, [(1, 0)], by="confidence")
    assert [sample.record["candidate_index"] for sample in kept] == [1], "the earlier one of two that are alike"
