"""Score students on the test domains."""

from pathlib import Path

from prism.cli import experiment_parser, run
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--students", type=Path, nargs="+", required=True, help="weights of students, .safetensors")
    program.add_argument("--outputs", type=Path, nargs="+", required=True, help="accuracy per domain, a .json for each")
    arguments = program.parse_args()
    from prism.generalization.stage import generalize  # late: usage errors and --help need no model library

    generalize(load_config(*arguments.config), arguments.students, arguments.outputs)


if __name__ == "__main__":
    run(main)
