"""Write one table as csv, md, tex and html."""

from pathlib import Path

from prism.cli import check_name, experiment_parser, run
from prism.config import load_config
from prism.config.layout import Layout
from prism.config.replicates import replicate_files


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--table", required=True, help="name of the table")
    program.add_argument("--inputs", type=Path, nargs="*", help="the stages' results; the experiment's if left out")
    program.add_argument("--output", type=Path, required=True, help="the table, .csv; the other formats go beside it")
    arguments = program.parse_args()
    config = load_config(*arguments.config)
    check_name("--table", arguments.table, config.tables.tables)
    from prism.tables.stage import write_table  # late: usage errors and --help need no model library

    inputs = arguments.inputs
    if inputs is None:
        inputs = [Path(file) for file in Layout(config).results(config.tables.tables[arguments.table])]
    names = config.tables.replicates if arguments.table == "claims" else []
    replicates = [Path(file) for name in names for file in replicate_files(config, name)]
    write_table(config, arguments.table, inputs, arguments.output, replicates=replicates)


if __name__ == "__main__":
    run(main)
