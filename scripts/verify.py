"""Check every finished result of an experiment against the hashes in its manifest."""

from pathlib import Path

from prism.artifacts.damage import damaged
from prism.cli import experiment_parser, run
from prism.config import load_config
from prism.config.layout import Layout
from prism.errors import DataError


def main() -> None:
    program = experiment_parser(__doc__)
    program.add_argument("--remove", action="store_true", help="delete what is damaged, so that it is made again")
    arguments = program.parse_args()
    root = Path(Layout(load_config(*arguments.config)).root)
    if not root.is_dir():
        raise DataError(f"{root}: there is no such folder; run the experiment first")
    found = list(damaged(root))
    for damage in found:
        print(f"{damage.reason}{' (removed)' if arguments.remove else ''}")
        if arguments.remove:
            damage.remove()
    if found and not arguments.remove:
        raise DataError(
            f"{root}: {len(found)} damaged; with --remove they are deleted, and the next run makes them again"
        )
    print(f"{root}: {'nothing is' if not found else f'{len(found)} were'} damaged")


if __name__ == "__main__":
    run(main)
