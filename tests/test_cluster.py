"""What cannot be had on a cluster is said before anything is submitted, one line for each."""

from __future__ import annotations

import os
from math import inf

import pytest

from prism.cluster import Partition, check_cluster, partitions_of
from prism.config import load_config
from prism.errors import ConfigError, PrismError

# a partition of two kinds of nodes, one without GPUs, and one whose GPUs have a model and sockets
NODES = """main|gpu:4|16000|8|1-02:00:00
main|(null)|64000|2|1-02:00:00
long|gpu:a100:2(S:0-1),gpu:h100:1|32000+|16|infinite
cpu|(null)|16000|64|4:30:00
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """``slurm(enforced)``: commands that answer as SLURM does."""

    def commands(enforced: str = "none") -> None:
        answers = {"sinfo": NODES, "scontrol": f"ClusterName = c\nAccountingStorageEnforce = {enforced}\nX = y\n"}
        for name, answer in answers.items():
            (tmp_path / f"{name}.txt").write_text(answer)
            (tmp_path / name).write_text(f"#!/bin/sh\ncat {tmp_path}/{name}.txt\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return commands


def config(project_root, **jobs):
    return load_config(project_root / "config/config.yaml", overrides={"jobs": jobs}, root=project_root)


def test_partitions_have_the_most_of_any_node():
    assert partitions_of(NODES) == {
        "main": Partition(4, 64000, 8, 26 * 60),
        "long": Partition(3, 32000, 16, inf),
        "cpu": Partition(0, 16000, 64, 270),
    }


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [("30:00", 30), ("1:00", 1), ("12:00:00", 720), ("2-00:30:00", 2910), ("infinite", inf), ("n/a", inf)],
)
def test_limits_of_time_are_read_as_slurm_writes_them(limit, minutes):
    assert partitions_of(f"p|(null)|1|1|{limit}")["p"].minutes == minutes


def test_what_fits_passes(project_root, slurm):
    slurm()
    check_cluster(config(project_root, synthesis={"gpu": 3, "partition": "long"}), {"slurm_partition": "main"})


def test_each_request_that_cannot_be_met_is_one_line(project_root, slurm):
    slurm("associations,limits")
    jobs = {
        "synthesis": {"gpu": 5},
        "tokens": {"partition": "lang"},
        "prompts": {"partition": "cpu", "mem_mb": 17000, "runtime": 271},
        "distillation": {"threads": 9},
    }
    with pytest.raises(ConfigError) as caught:
        check_cluster(config(project_root, **jobs), {"slurm_partition": "main"})
    assert str(caught.value).splitlines() == [
        "workflow/profiles/slurm/config.yaml: this cluster asks for an account; "
        "add slurm_account=<yours> to default-resources",
        "config: jobs.prompts.gpu: 1 is more than a node of partition cpu has, which is 0",
        "config: jobs.prompts.mem_mb: 17000 is more than a node of partition cpu has, which is 16000",
        "config: jobs.prompts.runtime: 271 is more than partition cpu allows, which is 270",
        "config: jobs.tokens.partition: lang is no partition of this cluster; did you mean long?",
        "config: jobs.synthesis.gpu: 5 is more than a node of partition main has, which is 4",
        "config: jobs.distillation.threads: 9 is more than a node of partition main has, which is 8",
    ]


def test_a_profile_with_another_clusters_partition_is_refused_once(project_root, slurm):
    slurm()
    with pytest.raises(
        ConfigError, match="slurm_partition: man is no partition of this cluster; did you mean main"
    ) as caught:
        check_cluster(config(project_root), {"slurm_partition": "man", "slurm_account": "me"})
    assert "\n" not in str(caught.value)


def test_no_cluster_here_is_one_line(project_root, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PrismError, match="slurm: no command sinfo here; submit from a login node"):
        check_cluster(config(project_root), {})


def test_a_job_that_is_tried_again_asks_for_no_more_than_there_is(project_root, slurm):
    slurm()
    limits = check_cluster(config(project_root, evaluation={"partition": "long"}), {"slurm_partition": "main"})
    assert limits["synthesis"] == {"mem_mb": 64000, "runtime": 26 * 60}
    assert limits["evaluation"] == {"mem_mb": 32000, "runtime": inf}


def test_stages_that_are_not_run_ask_for_nothing(project_root, slurm):
    slurm()
    limits = check_cluster(config(project_root, pruning={"gpu": 64}, zoo={"gpu": 64}), {"slurm_partition": "main"})
    assert {"prompts", "synthesis", "distillation"} <= limits.keys() and not {"pruning", "zoo"} & limits.keys()
    with pytest.raises(ConfigError, match="jobs.zoo.gpu: 64"):
        check_cluster(config(project_root, zoo={"gpu": 64}), {"slurm_partition": "main"}, zoo=True)
