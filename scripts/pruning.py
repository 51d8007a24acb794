"""Prune the teacher and fine-tune it on a method's images."""

from pathlib import Path

from prism.cli import add_shards, check_name, experiment_parser, run, shards_of
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--method", required=True, help="one of the configuration's methods")
    program.add_argument("--sparsity", type=float, required=True, help="share removed from each layer, in (0, 1)")
    program.add_argument("--seed", type=int, required=True, help="seed of the fine-tuning")
    add_shards(program)
    program.add_argument("--output", type=Path, required=True, help="folder of the pruned network and its metrics")
    arguments = program.parse_args()
    config = load_config(*arguments.config)
    check_name("--method", arguments.method, config.methods)
    from prism.pruning.stage import prune  # late: usage errors and --help need no model library

    prune(
        config,
        arguments.method,
        arguments.sparsity,
        arguments.seed,
        shards_of(config, arguments.method, arguments.shards),
        arguments.output,
    )


if __name__ == "__main__":
    run(main)
