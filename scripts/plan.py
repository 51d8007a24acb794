"""Print what an experiment costs, from measured throughputs: hours and disk of each method, and what is done."""

from prism.cli import experiment_parser, run
from prism.config import load_config


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--hardware", help="hardware of the table of throughputs; else as the configuration says")
    program.add_argument(
        "--measured", metavar="NAME", help="print the throughputs of this experiment instead, as rows for hardware NAME"
    )
    arguments = program.parse_args()
    from prism.data.classes import load_classes
    from prism.planning import measured_rows, plan_text

    config = load_config(*arguments.config)
    classes = len(load_classes(config.classes))
    if arguments.measured:
        print(measured_rows(config, classes, arguments.measured))
        return
    print(plan_text(config, classes, config.plan.throughput, arguments.hardware or config.plan.hardware))


if __name__ == "__main__":
    run(main)
