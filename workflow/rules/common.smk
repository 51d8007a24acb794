"""What the rules share: the checked configuration, its slices, and names that follow from it."""

import json
import os
import re
import shlex
import sys
from importlib import import_module
from pathlib import Path

from snakemake.logging import logger

from prism.cluster import check_cluster
from prism.config import check_batches, check_paths, load_config, validate_snakemake_config
from prism.config.asked import figures_asked, tables_asked
from prism.config.energies import own_energies
from prism.config.layout import Layout
from prism.config.paths import named_paths, zoo_folder, zoo_paths
from prism.config.remarks import remarks
from prism.config.replicates import replicate_files
from prism.data.checks import checked_classes
from prism.errors import PrismError
from prism.models.architectures import check_architectures
from prism.takeover import begin


# workflow.dryrun is not known yet while the rules are read
DRY_RUN = any(re.fullmatch(r"--dry-?run|-[a-zA-Z]*n[a-zA-Z]*", argument) for argument in sys.argv[1:])


PLANNED = "plan" in sys.argv


def check_files(wanted):
    """Refuse a configuration whose files are missing; a dry run names them and plans as if they were there."""
    try:
        check_paths(wanted, zoo="zoo" in sys.argv)  # the zoo makes files that all the rest reads
    except PrismError as error:
        if not DRY_RUN:
            raise
        logger.warning(f"{error}\nThe dry run goes on as if these files were there; a run does not.")


def given(paths):
    """Files from outside the workflow; in a dry run those that are there."""
    return [path for path in paths if not DRY_RUN or os.path.exists(path)]


def checked_settings():
    """The configuration; one clear line for each mistake in it, and nothing runs."""
    given = workflow.config_settings.configfiles
    try:
        if given and Path(given[0]).suffix == ".json":  # a resolved configuration, which stands alone
            wanted = load_config(*given, overrides=dict(workflow.config_settings.config))
        else:
            wanted = validate_snakemake_config(config, workflow.basedir, given)
        if workflow.is_main_process and not ("--unlock" in sys.argv or PLANNED):  # they need none of its files
            check_files(wanted)
            check_architectures(wanted)
            classes = len(checked_classes(wanted, folders=not DRY_RUN and "zoo" not in sys.argv))
            check_batches(wanted, classes)
            if any(own_energies(wanted)):
                from prism.synthesis.energies import check_energies  # late: torch takes seconds

                check_energies(wanted, classes)
            for remark in remarks(wanted, workflow.basedir):
                logger.info(remark)
    except PrismError as error:
        sys.exit(f"error: {error}")
    return wanted


settings = checked_settings()

STAGES = (
    "prompts tokens inversion synthesis evaluation relabelling distillation generalization pruning tables".split()
)
REVISIONS = {stage: import_module(f"prism.{stage}").REVISION for stage in STAGES}
FILES = Layout(settings)
RESULTS = FILES.root
CONFIG = f"{RESULTS}/config.json"  # rules know its path, not its content: each depends on its own slice alone
PLANNED_CONFIG = f"{RESULTS}/logs/plan.json"
METHODS = list(settings.run)
GENERATED = FILES.generated
STUDENTS = list(settings.students)
SEEDS = settings.distillation.seeds
TOKENS = [strategy for strategy, kind in settings.strategies.items() if kind.token]
TABLES, FIGURES = tables_asked(settings), figures_asked(settings)
TEACHER = given([str(settings.teacher.weights)])


def one_of(names):
    """A wildcard's constraint: one of these names."""
    return "|".join(map(re.escape, names))


TABULATED = ("tables", "claims")


def recipe(stage, *names):
    """The slice of the configuration that a job's results depend on, by the names of the wildcards it takes."""

    def of(wildcards):
        slice_ = settings.recipe(stage, **{name: wildcards[name] for name in names})
        text = json.dumps(slice_, sort_keys=stage not in TABULATED)  # order tells there alone
        return json.loads(text.replace("<", r"\\u003c"))  # Snakemake's report writes it into a script as it is

    return of


def recipe_of_table(wildcards):
    """That of all tables; that of table `claims` has the statements too."""
    return recipe("claims" if wildcards.table == "claims" else "tables")(wildcards)


def published_numbers():
    """The files of the papers' numbers."""
    path = settings.tables.published
    return [] if path is None else sorted(map(str, path.glob("*.csv"))) if path.is_dir() else [str(path)]


def write_resolved(wanted, path):
    """Write the configuration for the programs, unless it is there already."""
    text = json.dumps(wanted.dump(), indent=1, ensure_ascii=False) + "\n"  # unsorted: tables keep this order
    path = Path(path)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        from prism.artifacts import write_text

        write_text(path, text)


# The interpreter of the workflow is that of its programs, activated or not; a container has its own.
IN_CONTAINER = any("apptainer" in word for word in sys.argv)
OWN_PATH = f'export PATH={shlex.quote(os.path.dirname(sys.executable))}:"$PATH"; '
shell.prefix("set -euo pipefail; " + ("" if IN_CONTAINER else OWN_PATH))  # a prefix replaces Snakemake's strict mode

pathvars:
    results=RESULTS,
    logs=f"{RESULTS}/logs",
    benchmarks=f"{RESULTS}/benchmarks"

wildcard_constraints:
    strategy=one_of(settings.strategies),
    method=one_of(METHODS),
    student=one_of(STUDENTS),
    shard=r"\d{4}",
    seed=r"\d+",
    sparsity=r"0\.\d+",
    table=one_of(TABLES),
    figure=one_of(FIGURES),
