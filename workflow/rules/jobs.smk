"""What a job asks of the machine or of the cluster, by stage; what is told at a run's end."""

import shutil
from contextlib import suppress

from prism.events import RUN
from prism.planning.journal import journal_text
from prism.takeover import check_run


if not workflow.is_main_process:  # before Snakemake deletes what its job has made, as it does at its beginning
    try:
        check_run(FILES.root)
    except PrismError as error:
        sys.exit(f"error: {error}")

FULL_DISK_BYTES = 4 << 20


LIMITS = {}  # of the cluster, by stage, once it is asked


def needs_of(stage):
    """What a job of a stage asks for; of memory and time more, where it is tried again and there is more to be had."""
    job = getattr(settings.jobs, stage)

    def grown(what):
        return lambda wildcards, attempt: int(
            min(getattr(job, what) * attempt, LIMITS.get(stage, {}).get(what, float("inf")))
        )

    needs = {"gpu": settings.gpus(stage), "mem_mb": grown("mem_mb"), "runtime": grown("runtime")}
    return needs if job.partition is None else needs | {"slurm_partition": job.partition}


def tell_journal():
    """What this run did, by stage; nothing where no job was started."""
    text = journal_text(Path(RESULTS) / "logs", os.environ.get(RUN, ""))
    if text:
        logger.info(f"\nThis run, by stage (one line of JSON an event in {RESULTS}/logs/**/*.jsonl):\n{text}")


def tell_full_disk():
    """A full disk: a job whose log lies there cannot say it itself."""
    with suppress(OSError):
        left = shutil.disk_usage(RESULTS).free
        if left < FULL_DISK_BYTES:
            logger.error(f"error: {RESULTS}: {left / 1e6:.1f} MB are left on its disk; free some, then run again")


def default_resources():
    """The profile's default-resources, as they are written there."""
    wanted = workflow.resource_settings.default_resources or {}
    return {name: getattr(value, "raw", value) for name, value in wanted.items()}
