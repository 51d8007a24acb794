"""Train the models of the configuration's section ``zoo`` from nothing."""

from pathlib import Path

from prism.cli import experiment_parser, run
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--output", type=Path, required=True, help="folder of the models and their manifest")
    arguments = program.parse_args()
    from prism.miniature.zoo.stage import build  # late: usage errors and --help need no model library

    build(load_config(*arguments.config), arguments.output)


if __name__ == "__main__":
    run(main)
