"""Programs in a session of their own, as a terminal starts them, for tests that interrupt or kill them."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any


def started(command: Sequence[str], **given: Any) -> subprocess.Popen[str]:
    """The program, running. Ctrl-C reaches it even if the tests themselves run in a shell's background, which ignores
    interrupts and hands that on.
    """
    return subprocess.Popen(
        command,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509, no threads hold locks here
        **given,
    )


@contextmanager
def ended_after(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """However the test goes, nothing of the program's session is left running."""
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
