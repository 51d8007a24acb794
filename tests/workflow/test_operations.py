"""Every command of docs/operations.md, in its order, in a clone; those of a cluster are run by tests/slurm."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import boto3
import pytest

from ..commands import commands
from ..processes import ended_after, started
from .conftest import REPOSITORY
from .versioned import Project, new_project

pytestmark = pytest.mark.slow

KEYS = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "very-secret", "AWS_DEFAULT_REGION": "us-east-1"}
SAYS = {  # what is to be read in the answer of a command that begins so
    "snakemake --profile workflow/profiles/local": "Nothing to be done",
    "snakemake -n all --configfile": "total",
    "snakemake --cores 1 plan": "Throughputs:",
    "tail -n 2": "100%",
    "tail -n 3": '"event": "end"',
    "dvc repro": "dvc.lock",
    "dvc push": "pushed",
    "git clone": "Nothing to be done",
    "dvc metrics diff": "prism",
    "dvc exp run": "Ran experiment",
}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a server of S3's protocol on this machine, with a bucket ``results``."""
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "--port", str(port)]
    with ended_after(started(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(url, timeout=1).close()
                break
            time.sleep(0.2)
        keys = {"aws_access_key_id": KEYS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": KEYS["AWS_SECRET_ACCESS_KEY"]}
        boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys).create_bucket(Bucket="results")
        yield url


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, s3: str) -> Project:
    place = tmp_path_factory.mktemp("operations") / "project"
    place.mkdir()
    return new_project(place, PROJECT=str(place), STORE="s3://results/prism", ENDPOINT=s3, **KEYS)


def test_every_command_does_what_the_document_says(project):
    wanted = dict(SAYS)
    for command in commands(REPOSITORY / "docs" / "operations.md"):
        if "profiles/slurm" in command:
            continue
        told = project.ok(command)
        for begin in [begin for begin in wanted if command.startswith(begin)]:
            assert wanted.pop(begin) in told, f"{command}\n{told}"
    assert not wanted, f"not in the document any more: {', '.join(wanted)}"
    committed = project.ok("git ls-files -z | xargs -0 grep -ls very-secret || true")
    assert not committed.strip()  # keys stay in the environment


def test_a_store_that_refuses_is_told_in_one_line(project):
    project.ok("dvc remote add --force --local nowhere s3://results/prism")
    project.ok("dvc remote modify --local nowhere endpointurl http://127.0.0.1:9")
    project.ok("dvc remote modify --local nowhere connect_timeout 2")
    answer = project.run("AWS_MAX_ATTEMPTS=1 dvc push --remote nowhere")
    errors = [line for line in answer.text.splitlines() if line.startswith("ERROR")]
    assert answer.status != 0 and len(errors) == 1 and "127.0.0.1:9" in errors[0], answer.text
    assert "Traceback" not in answer.text and "very-secret" not in answer.text
