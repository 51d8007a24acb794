"""Learn a strategy's class alignment tokens, one pseudo-word for each class."""

from pathlib import Path

from prism.cli import check_name, experiment_parser, run
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--strategy", required=True, help="one of the configuration's strategies with `token`")
    program.add_argument("--prompts", type=Path, required=True, help="prompts (.jsonl) of the strategy")
    program.add_argument(
        "--output", type=Path, required=True, help="embeddings, .safetensors; the manifest goes beside it"
    )
    arguments = program.parse_args()
    config = load_config(*arguments.config)
    check_name("--strategy", arguments.strategy, config.strategies)
    from prism.tokens.stage import learn_tokens  # late: usage errors and --help need no model library

    learn_tokens(config, arguments.strategy, arguments.prompts, arguments.output)


if __name__ == "__main__":
    run(main)
