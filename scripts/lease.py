"""Run a job of the workflow with GPUs of its own: lease.py --gpus 1 -- COMMAND ..."""

import math
import os
from pathlib import Path

from prism.cli import parser, run
from prism.events import FILE, tell
from prism.leases import run_leased
from prism.takeover import register


def main() -> None:
    program = parser(__doc__)
    program.add_argument("--gpus", type=int, default=1, help="how many; 0 hides them all")
    program.add_argument("--timeout-seconds", type=float, default=math.inf, help="how long to wait for them, at most")
    program.add_argument("--log", type=Path, help="the job's log; a record of where the job runs is left beside it")
    program.add_argument("command", nargs="+", help="after --")
    arguments = program.parse_args()
    if arguments.log:
        facts = register(arguments.log.with_suffix(".job"))
        os.environ[FILE] = str(arguments.log.with_suffix(".jsonl"))
        tell("start", **facts)
    run_leased(arguments.gpus, arguments.command, timeout_seconds=arguments.timeout_seconds)


if __name__ == "__main__":
    run(main)
