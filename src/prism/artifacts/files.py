"""Atomic writing: a file appears whole or not at all; text, bytes and deterministic JSON on top of it."""

from __future__ import annotations

import errno
import json
import math
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from prism.documents import parse_json
from prism.errors import DataError, DiskError

_FULL_DISK_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
_FULL_DISK_WORDS = ("No space left on device", "Disk quota exceeded")


def is_disk_full(error: BaseException) -> bool:
    """Whether ``error`` says, by number or (as native writers do) in words, that there is no space left."""
    if isinstance(error, OSError) and error.errno in _FULL_DISK_ERRNOS:
        return True
    return any(words in str(error) for words in _FULL_DISK_WORDS)


@contextmanager
def atomic_path(final: Path) -> Iterator[Path]:
    """A temporary path beside ``final``, with its ending; renamed to ``final`` when the block ends well.

    The file is flushed to the disk before it is renamed. When the block raises, the temporary file is removed
    and an earlier ``final`` stays as it was. Missing parent folders are created.

    Raises:
        DiskError: the disk is full, or the folder cannot be written.
    """
    final = Path(final)
    temporary = final.with_name(f".{final.stem}.{os.getpid()}-{secrets.token_hex(4)}.part{final.suffix}")
    with disk_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
    try:
        try:
            yield temporary
        except Exception as error:
            if is_disk_full(error):
                raise _disk_full(final) from error
            if isinstance(error, OSError) and error.filename == str(temporary):
                raise _unwritable(final, error) from error
            raise
        with disk_errors(final):
            _flush(temporary)
            os.replace(temporary, final)
            _flush(final.parent)
    finally:
        with suppress(OSError):  # the first error is the one to report
            temporary.unlink(missing_ok=True)


@contextmanager
def disk_errors(final: Path) -> Iterator[None]:
    """Turn the operating system's errors into one line that names ``final``."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise _disk_full(final) from error
        raise _unwritable(final, error) from error


def _disk_full(final: Path) -> DiskError:
    return DiskError(
        f"{final}: no space left on the disk (or quota exceeded); free some and run again, nothing is lost"
    )


def _unwritable(final: Path, error: OSError) -> DiskError:
    return DiskError(f"{final}: cannot be written ({error.strerror or error}); choose a folder that can be")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot flush a folder
            raise
    finally:
        os.close(descriptor)


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` atomically as UTF-8 with newlines as they are."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, obj: Any) -> None:
    """Write ``obj`` atomically as JSON with sorted keys and a newline at its end: equal objects, equal bytes.

    Raises:
        DataError: a value is NaN, infinite or no JSON type; the message names its key.
    """
    write_text(path, json_text(obj, name=str(path)))


def json_text(obj: Any, *, name: str, indent: int | None = 1) -> str:
    """The deterministic JSON text of ``obj`` with a newline at its end; ``name`` stands in the error message.

    Raises:
        DataError: as :func:`write_json`.
    """
    try:
        text = json.dumps(
            obj,
            sort_keys=True,
            indent=indent,
            ensure_ascii=False,
            allow_nan=False,
            default=_plain,
            separators=_separators(indent),
        )
    except (TypeError, ValueError) as error:
        where = _first_bad_key(obj)
        raise DataError(f"{name}: {where or 'the object'} cannot be written as JSON ({error})") from error
    return text + "\n"


def _separators(indent: int | None) -> tuple[str, str]:
    return (",", ":") if indent is None else (",", ": ")


def _plain(value: Any) -> Any:
    """NumPy scalars and paths as plain JSON values."""
    if isinstance(value, Path):
        return value.as_posix()
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return value.item()
    raise TypeError(f"a value of type {type(value).__name__} is no JSON value")


def _first_bad_key(obj: Any, where: str = "") -> str | None:
    """The dotted key of the first NaN, infinity or foreign type in ``obj``."""
    if isinstance(obj, Mapping):
        pairs: Iterable[tuple[Any, Any]] = obj.items()
    elif isinstance(obj, list | tuple):
        pairs = enumerate(obj)
    else:
        plain = obj.item() if hasattr(obj, "item") and getattr(obj, "ndim", None) == 0 else obj
        bad = not isinstance(plain, str | int | float | None | Path)
        bad = bad or isinstance(plain, float) and not math.isfinite(plain)
        return f"{where or 'value'} = {obj!r}" if bad else None
    found = (_first_bad_key(value, f"{where}.{key}".lstrip(".")) for key, value in pairs)
    return next((bad for bad in found if bad), None)


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: the file is missing or is not JSON; the message names the file and the line.
    """
    try:
        return parse_json(Path(path).read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: line {error.lineno} is not JSON ({error.msg}); was the file cut short?") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not text in UTF-8, so it is not JSON") from error
    except ValueError as error:
        raise DataError(f"{path}: is not JSON ({error})") from error
