"""What a SLURM cluster has, asked before anything is submitted: a wrong request would else wait or fail job by job."""

from __future__ import annotations

import math
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from prism.config import Config
from prism.config.jobs import JobsConfig
from prism.config.names import hint
from prism.errors import ConfigError, PrismError

PROFILE = "workflow/profiles/slurm/config.yaml"


@dataclass(frozen=True)
class Partition:
    """The most that one node of a partition has, and the minutes that a job may run there."""

    gpus: int
    mem_mb: int
    cpus: int
    minutes: float


def check_cluster(config: Config, default: Mapping[str, object], *, zoo: bool = False) -> dict[str, dict[str, float]]:
    """Refuse jobs that no node of their partition can run, and a missing account.

    Args:
        config: the configuration.
        default: the profile's ``default-resources``.
        zoo: whether the target zoo is asked for.

    Returns:
        By stage, the most ``mem_mb`` and ``runtime`` that its partition gives: more than that is not asked for where a
        job is tried again.

    Raises:
        ConfigError: one line for each request that cannot be met. PrismError: the cluster does not answer.
    """
    partitions = partitions_of(_ask("sinfo", "--noheader", "--format", "%R|%G|%m|%c|%l"))
    found, limits = [], {}
    if "slurm_account" not in default and _wants_account(_ask("scontrol", "show", "config")):
        found.append(f"{PROFILE}: this cluster asks for an account; add slurm_account=<yours> to default-resources")
    usual = default.get("slurm_partition")
    if usual is not None and usual not in partitions:
        what = f"{usual} is no partition of this cluster; {hint(str(usual), partitions)}"
        found.append(f"{PROFILE}: default-resources: slurm_partition: {what}")
    for stage in _stages(config, zoo):
        job, key = getattr(config.jobs, stage), f"config: jobs.{stage}"
        name = job.partition or usual
        if job.partition is not None and job.partition not in partitions:
            found.append(f"{key}.partition: {name} is no partition of this cluster; {hint(job.partition, partitions)}")
        if name not in partitions:
            continue
        has = partitions[str(name)]
        limits[stage] = {"mem_mb": has.mem_mb, "runtime": has.minutes}
        wanted = {"gpu": (config.gpus(stage), has.gpus), "mem_mb": (job.mem_mb, has.mem_mb)}
        wanted["threads"] = (config.threads(stage), has.cpus)
        for what, (asked, most) in wanted.items():
            if asked > most:
                found.append(f"{key}.{what}: {asked} is more than a node of partition {name} has, which is {most}")
        if job.runtime > has.minutes:
            most = f"{has.minutes:g}"
            found.append(f"{key}.runtime: {job.runtime} is more than partition {name} allows, which is {most}")
    if found:
        raise ConfigError("\n".join(found))
    return limits


def _stages(config: Config, zoo: bool) -> list[str]:
    """Those that have jobs in this experiment, and the zoo, a target of its own, where it is asked for."""
    methods = [config.methods[name] for name in config.run]
    without = {
        "zoo": not zoo,
        "tokens": not any(config.learns_token(name) for name in config.run),
        "inversion": not any(method.inversion and method.inversion.adaptive for method in methods),
        "relabelling": not any(method.relabel for method in methods),
        "pruning": config.pruning is None,
    }
    return [stage for stage in JobsConfig.model_fields if not without.get(stage)]


def partitions_of(listed: str) -> dict[str, Partition]:
    """Partitions by name, from the lines ``name|gres|MB|CPUs|time`` of sinfo, one for each kind of node."""
    found: dict[str, Partition] = {}
    for line in filter(None, map(str.strip, listed.splitlines())):
        name, gres, memory, cpus, limit = line.split("|")
        # gpu:4, gpu:a100:4(S:0-1), several of them with commas between; (null) for none
        gpus = sum(int(count) for count in re.findall(r"\bgpu(?::[^:,()]+)?:(\d+)", gres))
        old = found.get(name, Partition(0, 0, 0, 0))
        numbers = (gpus, *(int(re.sub(r"\D", "", text) or 0) for text in (memory, cpus)))
        most = (max(pair) for pair in zip((old.gpus, old.mem_mb, old.cpus), numbers, strict=True))
        found[name] = Partition(*most, _minutes(limit))
    return found


def _minutes(limit: str) -> float:
    """``days-hours:minutes:seconds`` as SLURM writes it, without what is zero in front; anything else is no limit."""
    read = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", limit)
    if read is None:
        return math.inf
    days, hours, minutes, seconds = (int(part or 0) for part in read.groups())
    return (days * 24 + hours) * 60 + minutes + seconds / 60


def _wants_account(configuration: str) -> bool:
    enforced = re.search(r"^AccountingStorageEnforce\s*=\s*(.+)$", configuration, re.MULTILINE)
    return enforced is not None and "associations" in enforced.group(1)


def _ask(*command: str) -> str:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except FileNotFoundError:
        raise PrismError(f"slurm: no command {command[0]} here; submit from a login node of the cluster") from None
    except subprocess.TimeoutExpired:
        raise PrismError(f"slurm: {command[0]} did not answer within a minute; is the controller up?") from None
    except subprocess.CalledProcessError as error:
        told = (error.stderr or "").strip().splitlines()
        raise PrismError(f"slurm: {command[0]} failed: {told[-1] if told else error.returncode}") from None
    return answer.stdout
