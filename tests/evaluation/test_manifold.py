"""Precision, recall, density and coverage: conventions, ties, tiles, memory, and the reference program."""

import contextlib
import io
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from prism.evaluation.manifold import manifold_metrics


def measured(real, synthetic, k, *, strict=True, tile=2048):
    return vars(
        manifold_metrics(
            real=np.asarray(real, dtype=getattr(real, "dtype", float)),
            synthetic=np.asarray(synthetic, dtype=getattr(synthetic, "dtype", float)),
            k_precision=k,
            k_density=k,
            strict_precision=strict,
            strict_density=strict,
            tile=tile,
        )
    )


def reference(real, synthetic, k):
    prdc = pytest.importorskip("prdc")
    with contextlib.redirect_stdout(io.StringIO()):
        return prdc.compute_prdc(real, synthetic, k)


def test_golden_line(golden):
    case = golden["manifold_line"]
    real, synthetic = np.array(case["real"], float), np.array(case["synthetic"], float)
    assert measured(real, synthetic, case["k"]) == pytest.approx(case["forward"])
    assert measured(synthetic, real, case["k"]) == pytest.approx(case["swapped"])


@pytest.mark.parametrize("tile", [2048, 5])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_golden_grid_full_of_ties(golden, tile, offset):
    grid = np.array([(x, y) for x in range(4) for y in range(4)], float) + offset
    for case in golden["manifold_grid"]["shifts"]:
        values = measured(grid, grid + case["shift"], golden["manifold_grid"]["k"], tile=tile)
        assert values == pytest.approx({key: case[key] for key in values}), case["shift"]


def test_golden_random(golden):
    rng = np.random.RandomState(0)
    real, synthetic = rng.randn(500, 16), 0.7 * rng.randn(400, 16) + 0.2
    for k, wanted in golden["manifold_random"].items():
        assert measured(real, synthetic, int(k)) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "m", "d"), [(300, 200, 5), (150, 260, 64), (400, 400, 600)])
def test_equals_prdc(features, dtype, n, m, d):
    real = features(n, d, shift=3.0).astype(dtype)
    synthetic = features(m, d, seed=1, shift=3.1, scale=0.9).astype(dtype)
    for k in (1, 3, 5):
        assert measured(real, synthetic, k, tile=128) == pytest.approx(reference(real, synthetic, k), abs=1e-6)


def test_copies_of_real_samples_are_ties_by_convention():
    # A copied set: the k-th neighbour's copy lies exactly on the border.
    real = np.random.default_rng(0).normal(size=(60, 300)).astype(np.float32)
    strict, open_ = measured(real, real, 1), measured(real, real, 1, strict=False)
    assert strict["density"] == pytest.approx(1.0)  # its own copy alone
    assert open_["density"] == pytest.approx(2.0)  # and the neighbour's
    assert strict["precision"] == strict["coverage"] == open_["precision"] == 1.0


def test_balls_without_size_hold_only_copies():
    real = np.zeros((8, 3))
    assert measured(real, real, 2)["precision"] == 0.0
    assert measured(real, real, 2, strict=False)["precision"] == 1.0
    assert measured(real, real + 1, 2, strict=False)["precision"] == 0.0


def test_mode_collapse_is_precise_and_recalls_little():
    rng = np.random.default_rng(0)
    real, synthetic = 3 * rng.normal(size=(500, 8)), 0.1 * rng.normal(size=(500, 8))
    shares = manifold_metrics(real=real, synthetic=synthetic)
    assert shares.precision > 0.8 and shares.recall < 0.3
    swapped = manifold_metrics(real=synthetic, synthetic=real)
    assert swapped.precision < 0.3 and swapped.recall > 0.8


@pytest.mark.parametrize("tile", [1, 7, 64, 100, 4096])
def test_tiles_change_nothing(features, tile):
    real, synthetic = features(101, 24).astype(np.float32), features(87, 24, seed=1).astype(np.float32)
    synthetic[:20] = real[:20]
    assert manifold_metrics(real=real, synthetic=synthetic, tile=tile) == manifold_metrics(
        real=real, synthetic=synthetic
    )


def test_clusters_tighter_than_single_precision_sees(features):
    """Two far clusters whose inner distances vanish in the screen's rounding error are still told apart."""
    far = np.where(np.arange(300)[:, None] % 2, 1000.0, -1000.0)
    real, synthetic = far + 1e-3 * features(300, 16), far[:200] + 1e-3 * features(200, 16, seed=1)
    single = measured(real, synthetic, 3, tile=64)
    near = [measured(real[side::2], synthetic[side::2], 3) for side in (0, 1)]
    for name in ("precision", "recall", "density", "coverage"):
        assert single[name] == pytest.approx(np.mean([each[name] for each in near]))


def test_invariant_to_rotation_and_shift(features, rotation):
    real, synthetic, turn = features(200, 12), features(150, 12, seed=1), rotation(12)
    plain = measured(real, synthetic, 3)
    assert measured(real @ turn + 5, synthetic @ turn + 5, 3) == pytest.approx(plain)


def test_threads_change_nothing(features):
    real, synthetic = features(300, 32).astype(np.float32), features(300, 32, seed=1).astype(np.float32)
    threads = torch.get_num_threads()
    try:
        values = []
        for count in (1, 2):
            torch.set_num_threads(count)
            values.append(manifold_metrics(real=real, synthetic=synthetic, tile=64))
    finally:
        torch.set_num_threads(threads)
    assert values[0] == values[1]


def expected_coverage(*, n_real: int, n_synthetic: int, k: int) -> float:
    """Coverage of two samples of one distribution: 1 - prod_{i=1..k} (n - i) / (n + m - i) (Naeem et al.
    2020).
    """
    missed = 1.0
    for i in range(1, k + 1):
        missed *= (n_real - i) / (n_real + n_synthetic - i)
    return 1.0 - missed


def test_expected_coverage(golden):
    for case in golden["expected_coverage"]:
        formula = expected_coverage(n_real=case["n_real"], n_synthetic=case["n_synthetic"], k=case["k"])
        assert formula == pytest.approx(case["value"], abs=5e-6)


def test_one_distribution_has_the_expected_coverage_and_density_one():
    rng = np.random.default_rng(0)
    drawn = [manifold_metrics(real=rng.normal(size=(500, 4)), synthetic=rng.normal(size=(400, 4))) for _ in range(8)]
    wanted = expected_coverage(n_real=500, n_synthetic=400, k=5)
    assert np.mean([each.coverage for each in drawn]) == pytest.approx(wanted, abs=0.01)
    assert np.mean([each.density for each in drawn]) == pytest.approx(1.0, abs=0.05)


def test_too_few_samples_are_named(features):
    with pytest.raises(ValueError, match="k=5 must be from 1 to 3"):
        manifold_metrics(real=features(4, 2), synthetic=features(9, 2))
    with pytest.raises(ValueError, match="tile=0"):
        manifold_metrics(real=features(9, 2), synthetic=features(9, 2), tile=0)


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_memory_does_not_grow_with_the_square_of_the_samples(project_root):
    """8,000 x 8,000 distances would take 256 MB in single precision; tiles of 512 take a part of that."""
    program = textwrap.dedent("""
        import resource, numpy as np, torch
        from prism.evaluation.manifold import manifold_metrics
        rng = np.random.default_rng(0)
        real, synthetic = (rng.normal(size=(8000, 8)).astype(np.float32) for _ in range(2))
        manifold_metrics(real=real[:600], synthetic=synthetic[:600], tile=512)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        manifold_metrics(real=real, synthetic=synthetic, tile=512)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
    """)
    environment = {**os.environ, "PYTHONPATH": str(project_root / "src")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert float(done.stdout) < 64
