"""Measure a method's images against real ones."""

from pathlib import Path

from prism.cli import add_shards, check_name, experiment_parser, run, shards_of
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--method", required=True, help="one of the configuration's methods")
    add_shards(program)
    program.add_argument("--output", type=Path, required=True, help="metrics, .json")
    arguments = program.parse_args()
    config = load_config(*arguments.config)
    check_name("--method", arguments.method, config.methods)
    from prism.evaluation.stage import evaluate  # late: usage errors and --help need no model library

    evaluate(config, arguments.method, shards_of(config, arguments.method, arguments.shards), arguments.output)


if __name__ == "__main__":
    run(main)
