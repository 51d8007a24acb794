"""The numbers by method, as programs read them."""

import pytest

from prism.tables.frame import collect
from prism.tables.summary import summary

from .conftest import ACCURACIES


def test_means_over_seeds_and_domains_stand_under_method_and_student(results, context):
    found = summary(collect(results), context)
    assert set(found) == set(ACCURACIES)
    for method, accuracy in ACCURACIES.items():
        # sketch lies 20 points below cartoon, which is at the accuracy itself
        assert found[method]["accuracy"] == {"net": pytest.approx(100 * accuracy)}
        assert found[method]["generalization"] == {"net": pytest.approx(100 * accuracy - 10)}
    assert found["prism"]["fid"] != found["vanilla"]["fid"]
    assert "seconds" not in found["prism"]
