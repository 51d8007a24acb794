"""How planning grows: seconds and peak memory of a dry run over the number of its jobs, on the workflow as it is.

The default experiment; synthesis alone, one shard an image of each class, in as many methods as it takes; and
ImageNet-1K as configured.

    python benchmarks/planning.py
    python benchmarks/planning.py --jobs 100 1000 10000 100000
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

from measuring import RESULTS, write_rows

ROOT = Path(__file__).parents[1]
SHARDS_A_METHOD = 2500  # three files of each in a folder: none has more than ten thousand
SECONDS, MEGABYTES = 60.0, 4096.0


def main() -> None:
    program = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    program.add_argument("--jobs", type=int, nargs="+", default=[10, 100, 1000, 10000], help="default: %(default)s")
    options = program.parse_args()
    rows = [_measured("default", ["all", "--config", "experiment=planning"])]  # nothing of it is there
    rows += [_measured(f"{jobs} shards", _shards(jobs)) for jobs in options.jobs]
    rows.append(_measured("imagenet1k", ["all", "--configfile", "config/imagenet1k.yaml"]))
    limits = {"wanted_seconds": SECONDS, "wanted_mb": MEGABYTES}
    rows = [{**row, **(limits if row["what"] == "imagenet1k" else dict.fromkeys(limits, ""))} for row in rows]
    write_rows(RESULTS / "planning.csv", rows)
    for row in rows:
        sys.stdout.write(f"{row['what']:>16}: {row['jobs']:>7} jobs, {row['seconds']:>7} s, {row['peak_mb']:>7} MB\n")
    if rows[-1]["seconds"] > SECONDS or rows[-1]["peak_mb"] > MEGABYTES:
        raise SystemExit(f"imagenet1k: more than {SECONDS:g} s or {MEGABYTES:g} MB")


def _shards(jobs: int) -> list[str]:
    methods = -(-jobs // SHARDS_A_METHOD)
    shards = jobs // methods
    recipes = ", ".join(f"m{index}: {{prompts: class-name}}" for index in range(methods))
    names = ", ".join(f"m{index}" for index in range(methods))
    sizes = f"synthesis={{images_per_class: {shards}, shards: {shards}}}"
    return [
        "synthesis",
        "--config",
        f"methods={{{recipes}}}",
        f"run=[{names}]",
        sizes,
        "tables={tables: {}, figures: {}}",
    ]


def _measured(what: str, arguments: list[str]) -> dict[str, object]:
    command = [sys.executable, "-m", "snakemake", *arguments, "--dry-run", "--quiet", "rules"]
    started = time.monotonic()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        text = process.stdout.read() if process.stdout else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    total = re.search(r"^total\s+(\d+)", text, re.MULTILINE)
    if process.returncode != 0 or total is None:
        raise SystemExit(f"{what}: the dry run failed:\n{text[-2000:]}")
    peak = used.ru_maxrss / 1024 if isinstance(used, resource.struct_rusage) else 0.0
    return {"what": what, "jobs": int(total[1]), "seconds": round(seconds, 1), "peak_mb": round(peak)}


if __name__ == "__main__":
    main()
