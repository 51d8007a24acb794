"""Precision, recall, density and coverage against the package ``prdc``: time and peak memory in one run.

Each program works alone in a process of its own, on the same features; the turns alternate, the best time
counts, and memory is what the process needs beyond loading its libraries and the features. Needs ``pip
install prdc``.

    python benchmarks/manifold.py --samples 10000 --features 512 --repeats 3
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = (
    "program",
    "samples",
    "features",
    "k",
    "threads",
    "seconds",
    "peak_mb",
    "precision",
    "recall",
    "density",
    "coverage",
)

_PREAMBLE = """
import contextlib, io, json, re, sys, time
from pathlib import Path
import numpy as np
n, d, k = map(int, sys.argv[1:4])
rng = np.random.default_rng(0)
centres = rng.normal(size=(10, d))
def draw(spread):
    return (centres[rng.integers(10, size=n)] + spread * rng.normal(size=(n, d))).astype(np.float32)
real, synthetic = draw(1.0), draw(0.9)
def memory(anew=False):
    if anew:  # the peak so far, of drawing, is forgotten
        Path("/proc/self/clear_refs").write_text("5")
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
"""
_CALLS = {
    "prism": """
from prism.evaluation.manifold import manifold_metrics
def run(real, synthetic):
    options = dict(k_precision=k, k_density=k, strict_precision=True, strict_density=True)
    return vars(manifold_metrics(real=real, synthetic=synthetic, **options))
""",
    "prdc": """
from prdc import compute_prdc
def run(real, synthetic):
    with contextlib.redirect_stdout(io.StringIO()):
        return {name: float(value) for name, value in compute_prdc(real, synthetic, k).items()}
""",
}
_MEASURE = """
run(real[:200], synthetic[:200])
before, start = memory(anew=True), time.perf_counter()
values = run(real, synthetic)
print(json.dumps({"seconds": time.perf_counter() - start, "peak_mb": memory() - before, **values}))
"""


def measure(program: str, samples: int, features: int, k: int, threads: int) -> dict[str, float]:
    """Seconds, MiB and the four values of one program in a fresh process with ``threads`` threads."""
    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **dict.fromkeys(variables, str(threads))}
    command = [
        sys.executable,
        "-c",
        _PREAMBLE + _CALLS[program] + _MEASURE,
        *map(str, (samples, features, k)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"error: {program}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=10_000, help="rows of each set")
    parser.add_argument("--features", type=int, default=512, help="columns of each set")
    parser.add_argument("--k", type=int, default=5, help="neighbours")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each program")
    parser.add_argument("--threads", type=int, default=1, help="threads of each program")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results" / "manifold.csv")
    given = parser.parse_args()
    sizes = {"samples": given.samples, "features": given.features, "k": given.k, "threads": given.threads}
    turns: dict[str, list[dict[str, float]]] = {program: [] for program in _CALLS}
    for _ in range(given.repeats):
        for program in _CALLS:
            turns[program].append(measure(program, **sizes))
    best = {program: min(found, key=lambda turn: turn["seconds"]) for program, found in turns.items()}
    rows = [{"program": program, **sizes, **found} for program, found in best.items()]
    given.output.parent.mkdir(parents=True, exist_ok=True)
    with given.output.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    report(best)


def report(best: dict[str, dict[str, float]]) -> None:
    """Write the table and the ratios to standard output."""
    lines = [
        f"{'program':<10}{'seconds':>10}{'peak MiB':>10}{'precision':>11}{'recall':>9}{'density':>9}{'coverage':>10}"
    ]
    for program, row in best.items():
        lines.append(
            f"{program:<10}{row['seconds']:>10.2f}{row['peak_mb']:>10.0f}{row['precision']:>11.4f}"
            f"{row['recall']:>9.4f}{row['density']:>9.4f}{row['coverage']:>10.4f}"
        )
    ours, peer = best["prism"], best["prdc"]
    lines.append(
        f"{peer['seconds'] / ours['seconds']:.1f} times as fast (target 3), "
        f"{ours['peak_mb'] / peer['peak_mb']:.3f} of the memory (target below 0.25), "
        f"largest difference {max(abs(ours[name] - peer[name]) for name in COLUMNS[-4:]):.1e}"
    )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
