"""Store soft labels for every view of a method's images."""

from pathlib import Path

from prism.cli import add_shards, check_name, experiment_parser, run, shards_of
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--method", required=True, help="one of the configuration's methods, with the key relabel")
    add_shards(program)
    program.add_argument("--output", type=Path, required=True, help="labels, .safetensors; the manifest goes beside it")
    arguments = program.parse_args()
    config = load_config(*arguments.config)
    check_name("--method", arguments.method, config.methods)
    from prism.relabelling.stage import relabel  # late: usage errors and --help need no model library

    relabel(config, arguments.method, shards_of(config, arguments.method, arguments.shards), arguments.output)


if __name__ == "__main__":
    run(main)
