"""Synthesize one shard of a method's images."""

from pathlib import Path

from prism.cli import check_name, experiment_parser, run
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--method", required=True, help="one of the configuration's methods")
    program.add_argument("--shard", type=int, required=True, help="index of the shard, from 0")
    program.add_argument(
        "--prompts",
        type=Path,
        nargs="?",
        help="prompts (.jsonl) of the method's strategy; none for inversion",
    )
    program.add_argument(
        "--student", type=Path, nargs="?", help="student (.safetensors) that an adaptive inversion competes with"
    )
    program.add_argument(
        "--tokens", type=Path, nargs="?", help="learned tokens (.safetensors), where the strategy has them"
    )
    program.add_argument("--output", type=Path, required=True, help="shard, .tar; the manifest goes beside it")
    arguments = program.parse_args()
    config = load_config(*arguments.config)
    check_name("--method", arguments.method, config.methods)
    if config.methods[arguments.method].engine == "inversion":
        from prism.inversion.stage import invert  # late, as below

        invert(config, arguments.method, arguments.shard, arguments.student, arguments.output)
        return
    if config.methods[arguments.method].engine == "real":
        program.error(f"--method {arguments.method}: takes real images, so there is nothing to synthesize")
    if arguments.prompts is None:
        program.error(f"--prompts is needed: method {arguments.method} draws images of them")
    from prism.synthesis.stage import synthesize  # late: usage errors and --help need no model library

    synthesize(config, arguments.method, arguments.shard, arguments.prompts, arguments.output, arguments.tokens)


if __name__ == "__main__":
    run(main)
