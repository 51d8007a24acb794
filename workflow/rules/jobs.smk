"""What a job asks of the machine or of the cluster, by stage."""


def needs_of(stage):
    """What a job of a stage asks for; of memory and time more, where it is tried again."""
    job = getattr(settings.jobs, stage)
    needs = {
        "gpu": settings.gpus(stage),
        "mem_mb": lambda wildcards, attempt: job.mem_mb * attempt,
        "runtime": lambda wildcards, attempt: job.runtime * attempt,
    }
    return needs if job.partition is None else needs | {"slurm_partition": job.partition}


def default_resources():
    """The profile's default-resources, as they are written there."""
    wanted = workflow.resource_settings.default_resources or {}
    return {name: getattr(value, "raw", value) for name, value in wanted.items()}
