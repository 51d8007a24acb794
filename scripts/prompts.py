"""Write a strategy's prompts, as many a class as images are wanted."""

from pathlib import Path

from prism.cli import check_name, experiment_parser, run
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--strategy", required=True, help="one of the configuration's prompts.strategies")
    program.add_argument("--output", type=Path, required=True, help="prompts, .jsonl; the manifest goes beside it")
    arguments = program.parse_args()
    config = load_config(*arguments.config)
    check_name("--strategy", arguments.strategy, config.strategies)
    from prism.prompts.stage import write_prompts  # late: usage errors and --help need no model library

    write_prompts(config, arguments.strategy, arguments.output)


if __name__ == "__main__":
    run(main)
