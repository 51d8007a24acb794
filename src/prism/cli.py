"""The frame around every command-line program: logging, and one line, no traceback, for the user's errors."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from prism.artifacts import is_disk_full
from prism.config import Config
from prism.config.layout import Layout
from prism.config.names import hint
from prism.errors import ConfigError, PrismError
from prism.events import Warnings, tell
from prism.memory import is_out_of_memory

LOG_LEVELS = ("debug", "info", "warning", "error")
EXIT_DEFECT = 1
EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


def parser(description: str) -> argparse.ArgumentParser:
    """An argument parser whose help shows ``--log-level``, which :func:`run` takes out of the arguments."""
    program = argparse.ArgumentParser(description=description, allow_abbrev=False)
    _add_log_level(program)
    return program


def experiment_parser(description: str) -> argparse.ArgumentParser:
    """The same with ``--config``, the files that :func:`prism.config.load_config` takes."""
    program = parser(description)
    program.add_argument(
        "--config", type=Path, nargs="+", required=True, help="configuration, later files over earlier"
    )
    return program


def add_shards(program: argparse.ArgumentParser) -> None:
    """Add ``--shards``, the images of a method; see :func:`shards_of`."""
    program.add_argument(
        "--shards",
        type=Path,
        nargs="*",
        help="the method's shards (.tar); those of the experiment's results if left out",
    )


def shards_of(config: Config, method: str, given: list[Path] | None) -> list[Path]:
    """The shards on the command line, or else all of a method's in the experiment's results; none of real images."""
    return given if given is not None else [Path(file) for file in Layout(config).shards(method)]


def check_name(option: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name on the command line that the configuration does not have.

    Raises:
        ConfigError: ``name`` is not one of ``known``; the message has the nearest one.
    """
    names = list(known)
    if name not in names:
        raise ConfigError(f"{option}: {name} is not in the configuration; {hint(name, names)}")


def run(function: Callable[[], None]) -> NoReturn:
    """Run a program's ``main`` and leave with its status; never returns.

    Status 0 when ``function`` returns, 2 with ``error: <message>`` on stderr for a :class:`PrismError`, a full disk
    or memory that ran out, 130 when interrupted, 143 when terminated (temporary files are removed on the way out). Any
    other exception is a defect and keeps its traceback. ``--log-level`` is taken out of ``sys.argv`` before
    ``function`` runs.
    """
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    _add_log_level(options)
    arguments, sys.argv[1:] = options.parse_known_args()
    logging.basicConfig(
        level=arguments.log_level.upper(),
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
        force=True,
    )
    logging.getLogger().addHandler(Warnings())
    signal.signal(signal.SIGTERM, _terminate)
    started, status = time.monotonic(), EXIT_DEFECT
    try:
        _run(function)
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else EXIT_DEFECT
        raise
    finally:
        tell("end", status=status, seconds=round(time.monotonic() - started, 3))


def _run(function: Callable[[], None]) -> NoReturn:
    try:
        function()
    except PrismError as error:
        _fail(str(error), EXIT_USER_ERROR)
    except KeyboardInterrupt:
        _fail("interrupted", EXIT_INTERRUPTED)
    except OSError as error:
        if not is_disk_full(error):
            raise
        _fail(
            f"no space left on the disk while writing {error.filename or 'a file'}; free some and run again",
            EXIT_USER_ERROR,
        )
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        _fail(f"the memory does not suffice ({error}); give the job more, or smaller batches", EXIT_USER_ERROR)
    sys.exit(0)


def _add_log_level(program: argparse.ArgumentParser) -> None:
    program.add_argument(
        "--log-level",
        choices=LOG_LEVELS,
        default="info",
        help="least severe messages to show (default: info)",
    )


def _fail(message: str, status: int) -> NoReturn:
    logging.getLogger(__name__).debug("traceback of the error below", exc_info=True)
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    sys.exit(status)


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    # SystemExit unwinds the stack, so that half-written temporary files are removed.
    sys.exit(EXIT_TERMINATED)
