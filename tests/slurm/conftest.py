"""A cluster for the session, and the workflow in a folder of its own on it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..processes import ended_after, started
from ..workflow.conftest import LONGEST_SECONDS, REPOSITORY, Answer, Root
from .cluster import PREFIX, Cluster, NoCluster, running


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        try:
            with running(Path(folder)) as made:
                yield made
        except NoCluster as error:  # one that can be made and does not come up is an error
            pytest.skip(f"no cluster on this machine: {error}")


@dataclass(frozen=True)
class Submitted:
    """A workflow that is run on the cluster."""

    root: Root
    cluster: Cluster

    @contextmanager
    def start(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Snakemake with the profile of the cluster, running."""
        sources = [str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", "")]
        environment = self.cluster.environment | {"PYTHONPATH": os.pathsep.join(filter(None, sources))}
        command = [sys.executable, "-m", "snakemake", *arguments, "--profile", "workflow/profiles/slurm"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with ended_after(started(command, cwd=self.root.path, env=environment, **pipes)) as process:
            yield process

    def run(self, *arguments: str) -> Answer:
        with self.start(*arguments) as process:
            text, _ = process.communicate(timeout=LONGEST_SECONDS)
            return Answer(process.returncode, text)

    def jobs(self, fields: str = "%i %T") -> list[list[str]]:
        """Jobs that wait or run, one list of fields for each."""
        return [line.split() for line in self.cluster.ask("squeue", "--noheader", "--format", fields).splitlines()]
