"""Train the student that an adaptive inversion competes with, on the images of another method."""

from pathlib import Path

from prism.cli import add_shards, check_name, experiment_parser, run, shards_of
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--method", required=True, help="a method with a section inversion.adaptive")
    add_shards(program)
    program.add_argument("--output", type=Path, required=True, help="student, .safetensors; its manifest goes beside")
    arguments = program.parse_args()
    config = load_config(*arguments.config)
    adaptive = {
        name: method.inversion.adaptive.images
        for name, method in config.methods.items()
        if method.inversion and method.inversion.adaptive
    }
    check_name("--method", arguments.method, adaptive)
    from prism.inversion.student import train_student  # late: usage errors and --help need no model library

    shards = shards_of(config, adaptive[arguments.method], arguments.shards)
    train_student(config, arguments.method, shards, arguments.output)


if __name__ == "__main__":
    run(main)
