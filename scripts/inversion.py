"""Train the student that an adaptive inversion competes with, on the images of another method."""

from pathlib import Path

from prism.cli import check_name, experiment_parser, run
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--method", required=True, help="a method with a section inversion.adaptive")
    program.add_argument("--shards", type=Path, nargs="+", required=True, help="images of inversion.adaptive.images")
    program.add_argument("--output", type=Path, required=True, help="student, .safetensors; its manifest goes beside")
    arguments = program.parse_args()
    config = load_config(*arguments.config)
    adaptive = {name for name, method in config.methods.items() if method.inversion and method.inversion.adaptive}
    check_name("--method", arguments.method, adaptive)
    from prism.inversion.student import train_student  # late: usage errors and --help need no model library

    train_student(config, arguments.method, arguments.shards, arguments.output)


if __name__ == "__main__":
    run(main)
