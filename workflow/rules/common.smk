"""What the rules share: the checked configuration, its slices, and which files follow from it."""

import json
import os
import re
import shlex
import sys
from importlib import import_module
from pathlib import Path

from snakemake.logging import logger

from prism.config import check_batches, check_batchnorm, check_paths, load_config, validate_snakemake_config
from prism.config.paths import named_paths, zoo_folder, zoo_paths
from prism.data.classes import load_classes
from prism.errors import PrismError
from prism.models.architectures import keeps_batch_statistics


def checked_settings():
    """The configuration; one clear line for each mistake in it, and nothing runs."""
    given = workflow.config_settings.configfiles
    try:
        if given and Path(given[0]).suffix == ".json":  # a resolved configuration, which stands alone
            wanted = load_config(*given, overrides=dict(workflow.config_settings.config))
        else:
            wanted = validate_snakemake_config(config, workflow.basedir)
        if workflow.is_main_process:  # the zoo makes files that all the rest reads
            check_paths(wanted, zoo="zoo" in sys.argv)
            check_batchnorm(wanted, keeps_batch_statistics)
            check_batches(wanted, len(load_classes(wanted.classes)))
            for method in (name for name in wanted.run if not wanted.evaluated(name)):
                few = f"images_per_class={wanted.images_per_class(method)} is too few"
                logger.info(f"evaluation: {method} is left out: {few} for evaluation.k={wanted.evaluation.k}")
    except PrismError as error:
        sys.exit(f"error: {error}")
    return wanted


settings = checked_settings()

STAGES = (
    "prompts tokens inversion synthesis evaluation relabelling distillation generalization pruning tables".split()
)
REVISIONS = {stage: import_module(f"prism.{stage}").REVISION for stage in STAGES}
RESULTS = f"results/{settings.experiment}"
CONFIG = f"{RESULTS}/config.json"  # rules know its path, not its content: each depends on its own slice alone
METHODS = list(settings.run)
GENERATED = [method for method in METHODS if settings.methods[method].engine != "real"]
STUDENTS = list(settings.students)
SEEDS = settings.distillation.seeds
RELABELLED = [method for method in METHODS if settings.methods[method].relabel is not None]
EVALUATED = [method for method in METHODS if settings.evaluated(method)]
STRATEGIES = sorted({settings.methods[method].prompts for method in GENERATED} - {None})
TOKENS = [strategy for strategy, kind in settings.strategies.items() if kind.token]
PRUNING = settings.pruning
PRUNED = (PRUNING.methods or METHODS) if PRUNING else []
SPARSITIES = [f"{share:g}" for share in PRUNING.sparsities] if PRUNING else []
TABLES, FIGURES = (
    {name: kinds for name, kinds in named.items() if PRUNING or set(kinds) != {"pruning"}}
    for named in (settings.tables.tables, settings.tables.figures)
)
TEACHER = str(settings.teacher.weights)
THREADS = settings.threads_per_job
GPU = 0 if settings.device == "cpu" else 1


def one_of(names):
    """A wildcard's constraint: one of these names."""
    return "|".join(map(re.escape, names))


def recipe(stage, *names):
    """The slice of the configuration that a job's results depend on, by the names of the wildcards it takes."""

    def of(wildcards):
        slice_ = settings.recipe(stage, **{name: wildcards[name] for name in names})
        return json.loads(json.dumps(slice_, sort_keys=stage != "tables"))  # order tells in tables alone

    return of


def prompts_of(wildcards):
    """The prompts of a method; none where it has no strategy."""
    strategy = settings.methods[wildcards.method].prompts
    return f"{RESULTS}/prompts/{strategy}.jsonl" if strategy else []


def shards_named(method, suffix):
    """The files of a method's images, or beside them; none for real images, which come from the configuration."""
    if method not in GENERATED:
        return []
    return [f"{RESULTS}/synthesis/{method}/shard-{index:04d}.{suffix}" for index in range(settings.shards(method))]


def tokens_of(wildcards):
    """The learned tokens of a method's strategy; none where it has none."""
    strategy = settings.methods[wildcards.method].prompts
    return f"{RESULTS}/tokens/{strategy}.safetensors" if strategy in TOKENS else []


def shards_of(wildcards):
    """The shards of a method."""
    return shards_named(wildcards.method, "tar")


def real_images(*keys):
    """Folders and archives of real images below these keys of the configuration; a drawn world is neither."""
    paths = {str(path) for key, path in named_paths(settings) if key.startswith(keys)}
    return [ancient(path) for path in sorted(paths)]  # a folder's time says nothing


def real_images_of(wildcards):
    """The real images that a method itself is made of: none, unless it is the upper bound."""
    return real_images("synthesis.real") if wildcards.method not in GENERATED else []


def measured(*kinds):
    """The results of these kinds, as the configuration of tables names them, over all that is run."""
    student = f"{RESULTS}/distillation/{{method}}/{{student}}/seed-{{seed}}"
    score = f"{RESULTS}/generalization/{{method}}/{{student}}/seed-{{seed}}.json"
    pruned = f"{RESULTS}/pruning/{{method}}/sparsity-{{sparsity}}/seed-{{seed}}"
    pruned_seeds = PRUNING.seeds or SEEDS if PRUNING else []
    students = dict(method=METHODS, student=STUDENTS, seed=SEEDS)
    files = {
        "prompts": expand(f"{RESULTS}/prompts/{{strategy}}.json", strategy=STRATEGIES),
        "synthesis": [name for method in GENERATED for name in shards_named(method, "json")],
        "images": [shards_named(method, "tar")[0] for method in GENERATED],  # each shard has all classes
        "evaluation": expand(f"{RESULTS}/evaluation/{{method}}.json", method=EVALUATED),
        "relabelling": expand(f"{RESULTS}/relabelling/{{method}}.json", method=RELABELLED),
        "tokens": expand(f"{RESULTS}/tokens/{{strategy}}.json", strategy=[s for s in STRATEGIES if s in TOKENS]),
        "distillation": expand(f"{student}/{{file}}.json", file=["metrics", "manifest"], **students),
        "history": expand(f"{student}/history.csv", **students),
        "generalization": expand(score, **students),
        "pruning": expand(f"{pruned}/metrics.json", method=PRUNED, sparsity=SPARSITIES, seed=pruned_seeds),
    }
    return [file for kind in kinds for file in files[kind]]


def published_numbers():
    """The files of the papers' numbers."""
    path = settings.tables.published
    return [] if path is None else sorted(map(str, path.glob("*.csv"))) if path.is_dir() else [str(path)]


def write_resolved(wanted):
    """Write the configuration for the programs, unless it is there already."""
    text = json.dumps(wanted.dump(), indent=1, ensure_ascii=False) + "\n"  # unsorted: tables keep this order
    path = Path(CONFIG)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        from prism.artifacts import write_text

        write_text(path, text)


# The interpreter that runs the workflow runs its programs too, whether its environment is activated or not.
shell.prefix(f'export PATH={shlex.quote(os.path.dirname(sys.executable))}:"$PATH"; ')

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
