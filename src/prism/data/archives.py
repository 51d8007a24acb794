"""Files of a directory, a zip or a tar, read alike and without unpacking."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from pathlib import Path
from types import TracebackType

from prism.config import split_archive
from prism.errors import DataError

_BROKEN_ARCHIVE = (OSError, EOFError, RuntimeError, zlib.error, tarfile.TarError, zipfile.BadZipFile)


class FileSource:
    """The files under ``prefix`` of a directory or archive.

    ``members`` are their names relative to the prefix, in stored order (a directory's in the order of names).
    Only a directory may be read by several threads at once.

    Raises:
        DataError: there is nothing at ``root``, or it is neither a directory nor a whole zip or tar.
    """

    def __init__(self, root: Path, prefix: str = "") -> None:
        self.root, self.prefix = root, prefix
        self.is_folder = root.is_dir()
        self._archive: zipfile.ZipFile | tarfile.TarFile | None = None
        try:
            found = self._scan()
        except FileNotFoundError as error:
            raise DataError(f"{root}: there is no such folder or archive of images") from error
        except _BROKEN_ARCHIVE as error:
            self.close()
            raise DataError(f"{root}: is no folder, and no whole zip or tar archive ({error})") from error
        start = f"{prefix}/" if prefix else ""
        self._handles = {name[len(start) :]: handle for name, handle in found if name.startswith(start)}
        self.members = tuple(self._handles)

    def _scan(self) -> list[tuple[str, Path | zipfile.ZipInfo | tarfile.TarInfo]]:
        """All files with their full names inside the root."""
        if self.is_folder:
            paths = sorted((self.root / self.prefix).rglob("*"))
            return [(path.relative_to(self.root).as_posix(), path) for path in paths if path.is_file()]
        if zipfile.is_zipfile(self.root):
            self._archive = zipfile.ZipFile(self.root)
            return [(info.filename, info) for info in self._archive.infolist() if not info.is_dir()]
        self._archive = tarfile.open(self.root)
        return [(info.name.removeprefix("./"), info) for info in self._archive if info.isreg()]

    def __enter__(self) -> FileSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive, if it is one."""
        if self._archive is not None:
            self._archive.close()

    def where(self, member: str) -> str:
        """The member's full name, for messages: ``photos/cat/1.png`` or ``photos.zip!cat/1.png``."""
        inner = f"{self.prefix}/{member}" if self.prefix else member
        return str(self.root / inner) if self.is_folder else f"{self.root}!{inner}"

    def read(self, member: str) -> bytes:
        """The member's bytes.

        Raises:
            DataError: it cannot be read; the message names it.
        """
        handle = self._handles[member]
        try:
            if isinstance(handle, Path):
                return handle.read_bytes()
            if isinstance(self._archive, zipfile.ZipFile):
                return self._archive.read(handle)
            file = self._archive.extractfile(handle) if self._archive else None
            return file.read() if file else b""
        except _BROKEN_ARCHIVE as error:
            raise DataError(f"{self.where(member)}: cannot be read ({error})") from error


def open_source(spec: str) -> FileSource:
    """The source of an image specification: ``folder``, ``archive.zip`` or ``archive.tar!inner/prefix``."""
    root, prefix = split_archive(spec)
    return FileSource(Path(root), prefix.strip("/"))
