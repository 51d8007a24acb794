"""Draw one figure."""

from pathlib import Path

from prism.cli import experiment_parser, run
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--figure", required=True, help="name of the figure")
    program.add_argument("--inputs", type=Path, nargs="*", default=[], help="the stages' results")
    program.add_argument("--output", type=Path, required=True, help="the figure, .png")
    arguments = program.parse_args()
    from prism.tables.stage import write_figure  # late: usage errors and --help need no model library

    write_figure(load_config(*arguments.config), arguments.figure, arguments.inputs, arguments.output)


if __name__ == "__main__":
    run(main)
