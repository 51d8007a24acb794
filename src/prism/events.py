"""What happens in a job, one line of JSON an event, in a file beside its log: for whoever watches a run, or sums it up.

A line has ``time`` (UTC), ``event``, ``run`` (the run of the workflow that it belongs to) and what that event tells:

- ``start``: ``pid``, ``host``, ``slurm_job``, ``gpus``; a job that is tried again has one for each try;
- ``progress``: ``what``, ``done``, ``total``, ``unit``, ``per_second``, ``seconds_left``, every ten seconds at most;
- ``warning``: ``message``;
- ``wrote``: ``file`` and the numbers of its manifest, among them ``count``, ``seconds`` and ``peak_memory_mb``;
- ``end``: ``status``, the program's exit status, and ``seconds``; a job that was killed has none.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE = "PRISM_EVENTS"  # in the environment of a job
RUN = "PRISM_RUN"  # in the environment of a run and of all its jobs
ALLOCATION = "PRISM_RUN_SLURM_JOB"  # beside it: the SLURM job in which the run is at work, empty outside of one


def in_run_s_allocation() -> bool:
    """Whether this process is of the SLURM job in which the run itself is at work, as within ``salloc``.

    That job is its user's, shared by all jobs of the run.
    """
    job = os.environ.get("SLURM_JOB_ID")
    return bool(job) and job == os.environ.get(ALLOCATION)


def tell(event: str, /, **facts: Any) -> None:
    """Add a line to the file of the job that this process belongs to; nothing outside of a job.

    A line that cannot be written is lost: no job ends for its sake.
    """
    path = os.environ.get(FILE)
    if not path:
        return
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = json.dumps({"time": now, "event": event, "run": os.environ.get(RUN), **facts}, default=str) + "\n"
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())  # one write, so that lines of several processes do not mix
        finally:
            os.close(descriptor)


def read_events(path: Path, run: str | None = None) -> Iterator[dict[str, Any]]:
    """The events in a file, of one run or of all; a line that was cut short is left out."""
    for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(json.JSONDecodeError):
            event = json.loads(line)
            if isinstance(event, dict) and (run is None or event.get("run") == run):
                yield event


def numbers(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers among ``facts``, those in mappings too: lists and texts would make a line long."""
    found = {key: numbers(value) if isinstance(value, Mapping) else value for key, value in facts.items()}
    return {
        key: value
        for key, value in found.items()
        if isinstance(value, int | float) or (value and isinstance(value, dict))
    }


class Warnings(logging.Handler):
    """Tells every warning that is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        tell("warning", message=record.getMessage())
