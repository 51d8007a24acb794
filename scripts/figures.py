"""Draw one figure."""

from pathlib import Path

from prism.cli import check_name, experiment_parser, run
from prism.config import load_config
from prism.config.layout import Layout


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--figure", required=True, help="name of the figure")
    program.add_argument("--inputs", type=Path, nargs="*", help="the stages' results; the experiment's if left out")
    program.add_argument("--output", type=Path, required=True, help="the figure, .png")
    arguments = program.parse_args()
    config = load_config(*arguments.config)
    check_name("--figure", arguments.figure, config.tables.figures)
    from prism.tables.stage import write_figure  # late: usage errors and --help need no model library

    inputs = arguments.inputs
    if inputs is None:
        inputs = [Path(file) for file in Layout(config).results(config.tables.figures[arguments.figure])]
    write_figure(config, arguments.figure, inputs, arguments.output)


if __name__ == "__main__":
    run(main)
