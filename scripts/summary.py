"""Write the numbers of an experiment as one JSON file."""

from pathlib import Path

from prism.cli import experiment_parser, run
from prism.config import load_config
from prism.config.layout import Layout

KINDS = ("distillation", "generalization", "evaluation")


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--output", type=Path, required=True, help="means by method, .json")
    arguments = program.parse_args()
    config = load_config(*arguments.config)
    from prism.tables.stage import write_summary  # late: usage errors and --help need no model library

    write_summary(config, [Path(file) for file in Layout(config).results(KINDS)], arguments.output)


if __name__ == "__main__":
    run(main)
