"""Where the unfinished work of a stage lies until its output is whole."""

from __future__ import annotations

from pathlib import Path

RESULTS_FOLDER = "results"
PROGRESS_FOLDER = ".progress"


def progress_dir(output: Path) -> Path:
    """The folder for the unfinished work on ``output``: ``<results>/.progress/<output relative to results>``.

    It lies outside the declared outputs, which Snakemake deletes before it runs a rule again. Where
    ``output`` is in no folder called ``results``, it is ``.progress/<name>`` beside it. The folder is not
    created here.
    """
    output = Path(output)
    for folder in output.parents:
        if folder.name == RESULTS_FOLDER:
            return folder / PROGRESS_FOLDER / output.relative_to(folder)
    return output.parent / PROGRESS_FOLDER / output.name
