"""Write Snakemake's self-contained HTML report of tables and figures that are already there.

A second, read-only Snakemake does it from the records of the run that calls this one: same configuration, no
lock, no profile but the neutral one, whatever the environment says.
"""

import logging
import os
import subprocess
import sys
from pathlib import Path

from prism.artifacts import atomic_path
from prism.cli import experiment_parser, run
from prism.errors import PrismError


def main() -> None:
    program = experiment_parser(__doc__.splitlines()[0])
    program.add_argument("--contents", nargs="+", required=True, help="tables and figures that go in")
    program.add_argument("--output", type=Path, required=True, help="the report, .html")
    arguments = program.parse_args()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE_")}
    with atomic_path(arguments.output) as temporary:
        page = temporary.with_name("report.partial.html")  # Snakemake chooses the format by the suffix
        command = [sys.executable, "-m", "snakemake", "--report", str(page), "--nolock", "--cores", "1"]
        command += ["--configfile", *map(str, arguments.config), "--", *arguments.contents]
        finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        logging.getLogger("report").info("%s", finished.stderr)
        if finished.returncode != 0 or not page.exists():
            page.unlink(missing_ok=True)
            raise PrismError(f"report: snakemake --report ended with {finished.returncode}: {finished.stderr.strip()}")
        page.replace(temporary)


if __name__ == "__main__":
    run(main)
