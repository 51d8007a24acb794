"""Files that appear whole or not at all, and the manifests that say what they are.

Every file of a stage is written under a temporary name in its own folder, flushed to the disk and renamed. A
stage's manifest is written last; a reader that finds it may trust the files it names, and :func:`verify`
checks them.
"""

from prism.artifacts.files import (
    atomic_path,
    disk_errors,
    is_disk_full,
    json_text,
    read_json,
    write_bytes,
    write_json,
    write_text,
)
from prism.artifacts.manifests import Manifest, hash_of, read_manifest, sha256_file, verify, write_manifest
from prism.artifacts.progress import WorkClock, progress_dir

__all__ = [
    "WorkClock",
    "Manifest",
    "atomic_path",
    "disk_errors",
    "hash_of",
    "is_disk_full",
    "json_text",
    "progress_dir",
    "read_json",
    "read_manifest",
    "sha256_file",
    "verify",
    "write_bytes",
    "write_json",
    "write_manifest",
    "write_text",
]
