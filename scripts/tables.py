"""Write one table as csv, md, tex and html."""

from pathlib import Path

from prism.cli import experiment_parser, run
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--table", required=True, help="name of the table")
    program.add_argument("--inputs", type=Path, nargs="*", default=[], help="the stages' results")
    program.add_argument("--replicates", type=Path, nargs="*", default=[], help="those of experiments of other seeds")
    program.add_argument("--output", type=Path, required=True, help="the table, .csv; the other formats go beside it")
    arguments = program.parse_args()
    from prism.tables.stage import write_table  # late: usage errors and --help need no model library

    config = load_config(*arguments.config)
    write_table(config, arguments.table, arguments.inputs, arguments.output, replicates=arguments.replicates)


if __name__ == "__main__":
    run(main)
