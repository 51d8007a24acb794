"""Distil a student from the teacher on a method's images."""

from pathlib import Path

from prism.cli import add_shards, check_name, experiment_parser, run, shards_of
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--method", required=True, help="one of the configuration's methods")
    program.add_argument("--student", required=True, help="one of the configuration's students")
    program.add_argument("--seed", type=int, required=True, help="seed of the run")
    add_shards(program)
    program.add_argument(
        "--labels", type=Path, nargs="?", help="the method's soft labels (.safetensors), none without relabel"
    )
    program.add_argument(
        "--output", type=Path, required=True, help="folder of the student, its metrics and its history"
    )
    arguments = program.parse_args()
    config = load_config(*arguments.config)
    check_name("--method", arguments.method, config.methods)
    check_name("--student", arguments.student, config.students)
    from prism.distillation.stage import distill  # late: usage errors and --help need no model library

    chosen = (arguments.method, arguments.student, arguments.seed)
    distill(config, *chosen, shards_of(config, arguments.method, arguments.shards), arguments.output, arguments.labels)


if __name__ == "__main__":
    run(main)
