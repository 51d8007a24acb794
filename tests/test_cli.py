"""A program ends with one line and a status for the user's errors, and with a traceback for its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

HEAD = """import errno, os, sys, time, logging
from pathlib import Path
from prism import artifacts, cli, errors
"""


@pytest.fixture
def start(project_root):
    """``start(body, *arguments)``: a process whose ``main`` has that body."""

    def popen(body: str, *arguments: str) -> subprocess.Popen:
        program = HEAD + "def main():\n" + "".join(f"    {line}\n" for line in body.splitlines()) + "cli.run(main)\n"
        environment = os.environ | {"PYTHONPATH": str(project_root / "src")}
        return subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return popen


@pytest.fixture
def finish(start):
    """``finish(body, *arguments)``: the status, stdout and stderr of such a process."""

    def communicate(body: str, *arguments: str) -> tuple[int, str, str]:
        process = start(body, *arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    return communicate


def test_success_is_silent(finish):
    assert finish("pass") == (0, "", "")


def test_user_errors_are_one_line_with_status_2(finish):
    assert finish("raise errors.ConfigError('config.yaml: steps:\\n must be positive')") == (
        2,
        "",
        "error: config.yaml: steps: must be positive\n",
    )


def test_full_disk_is_one_line_wherever_it_happens(finish):
    status, _, err = finish("raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), 'x.log')")
    assert (
        status == 2 and err.startswith("error: no space left on the disk while writing x.log") and err.count("\n") == 1
    )


def test_defects_keep_their_traceback(finish):
    status, _, err = finish("raise KeyError('oops')")
    assert status == 1 and "Traceback" in err and "KeyError: 'oops'" in err


def test_interrupts_have_their_own_status(finish):
    assert finish("raise KeyboardInterrupt") == (130, "", "error: interrupted\n")


def test_log_level_is_taken_out_of_the_arguments(finish):
    body = "logging.getLogger('prism').info('hello')\nsys.stdout.write(' '.join(sys.argv[1:]))"
    status, out, err = finish(body, "--config", "a", "--log-level", "info", "b")
    assert (status, out) == (0, "--config a b") and err.endswith("INFO    prism: hello\n")
    assert finish(body, "--log-level", "error") == (0, "", "")
    status, _, err = finish(body, "--log-level", "loud")
    assert status == 2 and "invalid choice: 'loud'" in err


def test_parser_shows_the_log_level_in_its_help(finish):
    status, out, _ = finish("cli.parser('Do it.').parse_args()", "--help")
    assert status == 0 and "--log-level" in out and "Do it." in out


def test_debug_level_shows_the_cause_of_a_user_error(finish):
    _, _, err = finish("raise errors.DataError('a.png: is broken')", "--log-level", "debug")
    assert "Traceback" in err and err.endswith("error: a.png: is broken\n")


def test_terminated_program_removes_its_temporary_file(start, tmp_path):
    body = (
        f"with artifacts.atomic_path(Path({str(tmp_path / 'a.tar')!r})) as temporary:\n"
        "    temporary.write_bytes(b'half')\n"
        "    sys.stdout.write('ready\\n'); sys.stdout.flush(); time.sleep(60)"
    )
    process = start(body)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert list(tmp_path.iterdir()) == []
