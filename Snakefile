"""Index of the workflow: each stage in a file of rules, from prompts to tables."""

from snakemake.utils import min_version

min_version("9.27")

configfile: "config/config.yaml"
container: "envs/prism.sif"  # from envs/apptainer.def; used with --sdm apptainer, else the environment at hand
report: "workflow/report/workflow.rst"

include: "workflow/rules/common.smk"
include: "workflow/rules/jobs.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/prompts.smk"
include: "workflow/rules/inversion.smk"
include: "workflow/rules/tokens.smk"
include: "workflow/rules/synthesis.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/relabelling.smk"
include: "workflow/rules/distillation.smk"
include: "workflow/rules/generalization.smk"
include: "workflow/rules/pruning.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/zoo.smk"
include: "workflow/rules/plan.smk"


rule all:
    default_target: True
    input: rules.tables.input, rules.figures.input, rules.summary.output, rules.report.output


onstart:
    try:
        if PLANNED and set(workflow.dag_settings.targets) != {"plan"}:
            raise PrismError("plan only tells what a run would cost; ask for it alone")
        if workflow.executor_plugin.name == "slurm":
            LIMITS.update(check_cluster(settings, default_resources(), zoo="zoo" in sys.argv))
        if not PLANNED:  # which only looks, at a run that is at work too, and so changes none of its files
            begin(FILES.root)
        write_resolved(settings, PLANNED_CONFIG if PLANNED else CONFIG)
    except PrismError as error:
        sys.exit(f"error: {error}")


onsuccess:
    tell_journal()


onerror:
    tell_journal()
    tell_full_disk()
