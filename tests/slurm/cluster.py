"""A real SLURM cluster of one node with pretended GPUs, without systemd: what the tests of the cluster profile run on.

Needs Debian and root; installs SLURM's packages where they are missing. By hand, from the project's folder:

    python -m tests.slurm.cluster /var/tmp/cluster      # starts it, prints how to use it, ends it with Ctrl-C
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PACKAGES = {"munged": "munge", "slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client"}
GPUS, CPUS, MEMORY_MB = 4, 8, 16000

CONFIGURATION = """
ClusterName=prism
SlurmctldHost={node}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
# more processors and memory than a small machine has; GPUs are symbolic links to /dev/null
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes={node} Default=YES MaxTime=INFINITE State=UP
PartitionName=long Nodes={node} MaxTime=INFINITE State=UP
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=500
# no control groups
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
ReturnToService=2
MinJobAge=3600
KillWait=5
MpiDefault=none
MessageTimeout=60
SchedulerParameters=batch_sched_delay=0
AccountingStorageType=accounting_storage/none
"""


PREFIX = "slurm-"  # of the folders of clusters of these tests


class NoCluster(RuntimeError):  # noqa: N818, it is no error of the cluster's
    """There can be none on this machine."""


class ClusterError(RuntimeError):
    """It can be made on this machine, and does not come up; the message says why."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment without an outer job of SLURM's; commands find the cluster by its usual file."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "SNAKEMAKE_"))}
        return inherited

    def ask(self, *command: str) -> str:
        """What a command such as squeue prints."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True).stdout


def install() -> None:
    """Install what is missing, without starting any service."""
    missing = sorted(package for program, package in PACKAGES.items() if shutil.which(program, path=_PATH) is None)
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise NoCluster(f"{', '.join(missing)} are missing, and this is no Debian to install them on")
    policy = Path("/usr/sbin/policy-rc.d")  # asked before a package starts its services; 101 is no
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        policy.chmod(0o755)
    try:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
            done = subprocess.run(["apt-get", "-qq", *command], env=environment, capture_output=True, text=True)
            if done.returncode != 0:
                raise NoCluster(f"apt-get {' '.join(command)}: {done.stderr.strip()[-500:]}")
    finally:
        if ours:
            policy.unlink()


def _left_by_a_killed_test(folder: Path) -> bool:
    """Whether a configuration is of a cluster of these tests whose controller is gone."""
    try:
        os.kill(int((folder / "slurmctld.pid").read_text()), 0)
    except (OSError, ValueError):
        return folder.name.startswith(PREFIX)
    return False


_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """A cluster with its state in ``folder``, for as long as the block lasts.

    Raises:
        NoCluster: not root, or packages cannot be installed. ClusterError: a service does not come up.
    """
    if os.geteuid() != 0:
        raise NoCluster("slurmd needs root")
    install()
    node = socket.gethostname().split(".")[0]
    try:
        socket.getaddrinfo(node, None)
    except OSError:
        with Path("/etc/hosts").open("a", encoding="utf-8") as hosts:
            hosts.write(f"127.0.0.1 {node}\n")
    for name in ("state", "spool", "devices", "munge"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for index in range(GPUS):
        (folder / "devices" / f"nvidia{index}").symlink_to("/dev/null")
    facts = {"folder": folder, "node": node, "gpus": GPUS, "cpus": CPUS, "memory": MEMORY_MB}
    facts |= {"controller_port": _free_port(), "node_port": _free_port()}
    usual = Path("/etc/slurm/slurm.conf")  # inside a job the variable that names another file is gone
    if usual.exists() and not _left_by_a_killed_test(usual.resolve().parent):
        raise NoCluster(f"there is a cluster on this machine already: {usual}")
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**facts), encoding="utf-8")
    (folder / "gres.conf").write_text(f"NodeName={node} Name=gpu File={folder}/devices/nvidia[0-{GPUS - 1}]\n")
    cluster = Cluster(folder)
    services: list[subprocess.Popen[bytes]] = []
    usual.unlink(missing_ok=True)  # a link that a killed cluster left
    usual.parent.mkdir(exist_ok=True)
    usual.symlink_to(folder / "slurm.conf")
    try:
        services.append(_start_munge(folder))
        _wait("munged", lambda: (folder / "munge" / "socket").exists(), services[-1], folder)
        for program in ("slurmctld", "slurmd"):
            command = [str(shutil.which(program, path=_PATH)), "-D", "-f", str(folder / "slurm.conf")]
            services.append(_start(command, folder / f"{program}.log"))
        ready = lambda: "idle" in cluster.ask("sinfo", "--noheader", "--partition", "main", "--format", "%t")  # noqa: E731
        _wait("the node", ready, services[-1], folder)
        yield cluster
    finally:
        with suppress(Exception):
            cluster.ask("scancel", "--me")
        usual.unlink(missing_ok=True)
        for service in reversed(services):
            with suppress(ProcessLookupError):
                os.killpg(service.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                service.wait(timeout=20)
            with suppress(ProcessLookupError):
                os.killpg(service.pid, signal.SIGKILL)
            service.wait()
        end_jobs(folder)


def end_jobs(folder: Path) -> None:
    """End what is left of jobs: without cgroups, SLURM loses sight of a process whose parent ended before it."""
    theirs = f"SLURM_CONF={folder}/slurm.conf".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            environment = (process / "environ").read_bytes().split(b"\0")
            if theirs in environment and any(one.startswith(b"SLURM_JOB_ID=") for one in environment):
                os.kill(int(process.name), signal.SIGKILL)


def _start_munge(folder: Path) -> subprocess.Popen[bytes]:
    """Credentials of its own, owned by the user munge, who must be able to enter all folders above them."""
    place = folder / "munge"
    key = place / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    for path in (place, key):
        shutil.chown(path, "munge", "munge")
    place.chmod(0o755)
    for parent in folder.parents:
        if parent.stat().st_uid == 0 and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    folder.chmod(0o755)
    names = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    options = [f"--{option}={place / name}" for option, name in names.items()]
    command = ["runuser", "-u", "munge", "--", str(shutil.which("munged", path=_PATH)), "--foreground", *options]
    return _start(command, folder / "munged.log")


def _start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as stream:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True)


def _wait(what: str, ready, service: subprocess.Popen[bytes], folder: Path, seconds: float = 120) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while time.monotonic() < end and service.poll() is None:
        with suppress(subprocess.CalledProcessError):
            if ready():
                return
        time.sleep(0.2)
    logs = "\n".join(path.read_text(errors="replace")[-1000:] for path in folder.glob("*.log"))
    raise ClusterError(f"{what} did not come up:\n{logs}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    place = Path(sys.argv[1]).resolve()
    with running(place) as cluster, suppress(KeyboardInterrupt):
        print(cluster.ask("sinfo"))
        print("snakemake --profile workflow/profiles/slurm", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
