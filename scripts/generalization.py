"""Score a student on the test domains."""

from pathlib import Path

from prism.cli import experiment_parser, run
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--student", type=Path, required=True, help="weights of the student, .safetensors")
    program.add_argument("--output", type=Path, required=True, help="accuracy per domain, .json")
    arguments = program.parse_args()
    from prism.generalization.stage import generalize  # late: usage errors and --help need no model library

    generalize(load_config(*arguments.config), arguments.student, arguments.output)


if __name__ == "__main__":
    run(main)
