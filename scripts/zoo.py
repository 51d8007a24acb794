"""Train the miniature's models from nothing."""

from pathlib import Path

from prism.cli import parser, run


def main() -> None:
    program = parser(__doc__)
    program.add_argument("--output", type=Path, required=True, help="folder of the models and their manifest")
    arguments = program.parse_args()
    from prism.miniature.zoo.stage import build  # late: usage errors and --help need no model library

    build(arguments.output)


if __name__ == "__main__":
    run(main)
