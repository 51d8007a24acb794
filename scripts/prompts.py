"""Write a strategy's prompts, as many a class as images are wanted."""

from pathlib import Path

from prism.cli import parser, run
from prism.config import load_config


def main() -> None:
    program = parser(__doc__)
    program.add_argument(
        "--config", type=Path, nargs="+", required=True, help="configuration, later files over earlier"
    )
    program.add_argument("--strategy", required=True, help="one of the configuration's prompts.strategies")
    program.add_argument(
        "--output", type=Path, required=True, help="prompts, .jsonl; the manifest goes beside it"
    )
    arguments = program.parse_args()
    from prism.prompts.stage import write_prompts  # late: usage errors and --help need no model library

    write_prompts(load_config(*arguments.config), arguments.strategy, arguments.output)


if __name__ == "__main__":
    run(main)
