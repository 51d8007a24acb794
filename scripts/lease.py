"""Run a command with GPUs of its own: lease.py --gpus 1 -- COMMAND ..."""

from prism.cli import parser, run
from prism.leases import run_leased


def main() -> None:
    program = parser(__doc__)
    program.add_argument("--gpus", type=int, default=1, help="how many; 0 only runs the command")
    program.add_argument("--timeout-seconds", type=float, default=86400.0, help="how long to wait for them")
    program.add_argument("command", nargs="+", help="after --")
    arguments = program.parse_args()
    run_leased(arguments.gpus, arguments.command, timeout_seconds=arguments.timeout_seconds)


if __name__ == "__main__":
    run(main)
