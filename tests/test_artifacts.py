"""Files appear whole or not at all, whatever kills the writer; manifests tell when one has changed."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from prism.artifacts import (
    atomic_path,
    hash_of,
    progress_dir,
    read_json,
    read_manifest,
    sha256_file,
    verify,
    write_bytes,
    write_json,
    write_manifest,
    write_text,
)
from prism.errors import DataError, DiskError, ShardError

# -------------------------------------------------------------------------------------------- atomic writing


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_only_when_whole_and_keeps_its_ending(tmp_path):
    final = tmp_path / "new" / "folder" / "table.csv"
    with atomic_path(final) as temporary:
        temporary.write_text("a,b\n")
        assert temporary.parent == final.parent and temporary.suffix == ".csv"
        assert not final.exists()
    assert final.read_text() == "a,b\n"
    assert files_in(final.parent) == ["table.csv"]


def test_failing_block_leaves_the_earlier_file_and_no_temporary_one(tmp_path):
    final = tmp_path / "a.txt"
    write_text(final, "old")
    with pytest.raises(KeyError), atomic_path(final) as temporary:
        temporary.write_text("half of the ne")
        raise KeyError("unrelated")
    assert final.read_text() == "old"
    assert files_in(tmp_path) == ["a.txt"]


def test_interrupt_removes_the_temporary_file(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert files_in(tmp_path) == []


def test_killed_writer_leaves_no_final_file(tmp_path, project_root):
    final = tmp_path / "shard.tar"
    program = (
        "import sys, time; from pathlib import Path; from prism.artifacts import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_bytes(b'half'); sys.stdout.write('ready\\n'); sys.stdout.flush()\n"
        "    time.sleep(60)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(project_root / "src")}
    writer = subprocess.Popen(
        [sys.executable, "-c", program, str(final)], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout.readline() == "ready\n"
    writer.send_signal(signal.SIGKILL)
    writer.wait(timeout=30)
    writer.stdout.close()
    assert not final.exists()
    write_bytes(final, b"whole")  # what a killed writer left behind is in nobody's way
    assert final.read_bytes() == b"whole"


def test_full_disk_is_one_line_and_loses_nothing(tmp_path, monkeypatch):
    final = tmp_path / "a.bin"
    write_bytes(final, b"old")

    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(DiskError, match="a.bin: no space left") as caught:
        write_bytes(final, b"new")
    monkeypatch.undo()
    assert "\n" not in str(caught.value)
    assert final.read_bytes() == b"old" and files_in(tmp_path) == ["a.bin"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
    ids=["quota", "native writer"],
)
def test_full_disk_is_recognised_from_other_writers(tmp_path, error):
    with pytest.raises(DiskError, match="model.safetensors"), atomic_path(tmp_path / "model.safetensors"):
        raise error


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 64 KiB, where this machine lets one be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs rights that this user has not")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_really_full_disk_keeps_what_was_finished(tiny_disk):
    write_bytes(tiny_disk / "first.bin", b"1" * 20_000)
    with pytest.raises(DiskError, match="no space left"):
        write_bytes(tiny_disk / "second.bin", b"2" * 200_000)
    with pytest.raises(DiskError, match="no space left"):
        write_bytes(tiny_disk / "first.bin", b"3" * 200_000)
    assert files_in(tiny_disk) == ["first.bin"]
    assert (tiny_disk / "first.bin").read_bytes() == b"1" * 20_000


def test_folder_that_cannot_be_made_is_one_line(tmp_path):
    write_text(tmp_path / "file", "in the way")
    with pytest.raises(DiskError, match="cannot be written"):
        write_text(tmp_path / "file" / "a.txt", "x")


def test_folder_without_write_permission_is_one_line(tmp_path, monkeypatch):
    def denied(path: Path, data: bytes) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "write_bytes", denied)
    with pytest.raises(DiskError, match="a.txt: cannot be written .Permission denied."):
        write_bytes(tmp_path / "a.txt", b"x")


def test_unrelated_errors_of_the_block_pass_unchanged(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a.txt"):
        (tmp_path / "some input").read_bytes()


def test_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(DiskError, match="a.txt"), atomic_path(tmp_path / "a.txt"):
        pass
    assert files_in(tmp_path) == []


# ------------------------------------------------------------------------------------------------------ JSON


def test_json_bytes_do_not_depend_on_the_order_of_keys(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": [1.5, None, "ü"]})
    write_json(tmp_path / "b.json", {"a": [1.5, None, "ü"], "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a.json").read_text(encoding="utf-8").endswith("}\n")
    assert read_json(tmp_path / "a.json") == {"a": [1.5, None, "ü"], "b": 1}


def test_json_takes_numpy_scalars_and_paths(tmp_path):
    write_json(tmp_path / "a.json", {"n": np.int64(3), "x": np.float32(0.5), "path": Path("a/b")})
    assert read_json(tmp_path / "a.json") == {"n": 3, "x": 0.5, "path": "a/b"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("nan"), np.float32("nan")])
def test_json_refuses_nan_and_names_its_key(tmp_path, value):
    with pytest.raises(DataError, match=r"metrics\.fid"):
        write_json(tmp_path / "a.json", {"metrics": {"kid": 1.0, "fid": value}})
    assert files_in(tmp_path) == []


def test_json_refuses_foreign_types_and_names_their_key(tmp_path):
    with pytest.raises(DataError, match=r"a\.1 = \{'x'\}"):
        write_json(tmp_path / "a.json", {"a": [1, {"x"}]})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1,\n "b"', "line 2 is not JSON"),
        (b"", "line 1 is not JSON"),
        (b"\xff\xfe\x00{", "UTF-8|not JSON"),
    ],
)
def test_broken_json_names_file_and_line(tmp_path, content, message):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match=f"a.json: .*({message})"):
        read_json(tmp_path / "a.json")


def test_missing_json_names_the_file(tmp_path):
    with pytest.raises(DataError, match="gone.json: cannot be read"):
        read_json(tmp_path / "gone.json")


def test_hash_is_of_content_and_pinned():
    assert hash_of({"a": 1, "b": [1, 2]}) == hash_of({"b": [1, 2], "a": 1})
    assert hash_of({"a": 1}) != hash_of({"a": "1"})
    assert hash_of({}) == "44136fa355b3678a"  # sha256 of "{}"


# ------------------------------------------------------------------------------------------------- manifests


@pytest.fixture
def finished(tmp_path):
    """A finished stage: one output and its manifest."""
    output = tmp_path / "a.tar"
    write_bytes(output, b"content")
    path = tmp_path / "a.json"
    write_manifest(path, stage="synthesis", recipe={"steps": 20}, outputs=[output], count=1, run={"seconds": 1.0})
    return path


def test_manifest_comes_back_as_written(finished):
    manifest = verify(finished)
    assert manifest == read_manifest(finished)
    assert manifest.outputs == {"a.tar": sha256_file(finished.with_name("a.tar"))}
    assert (manifest.stage, manifest.recipe, manifest.count) == ("synthesis", {"steps": 20}, 1)
    assert len(manifest.recipe_hash) == 16


def test_recipe_hash_covers_what_results_depend_on_and_nothing_else(tmp_path):
    def recipe_hash(**changed):
        fields = {"stage": "synthesis", "recipe": {"steps": 20}, "outputs": {}, "count": 1} | changed
        return write_manifest(tmp_path / "m.json", **fields).recipe_hash

    base = recipe_hash()
    for same in (
        {"run": {"seconds": 9}},
        {"details": {"size_px": 32}},
        {"count": 5},
        {"outputs": {"a": "0"}},
    ):
        assert recipe_hash(**same) == base
    for other in ({"revision": 1}, {"recipe": {"steps": 21}}, {"inputs": {"p": "0"}}, {"models": {"t": "0"}}):
        assert recipe_hash(**other) != base


def test_changed_and_missing_outputs_are_named(finished):
    output = finished.with_name("a.tar")
    output.write_bytes(b"Content")
    with pytest.raises(ShardError, match="a.tar: its sha256 is not the one"):
        verify(finished)
    output.unlink()
    with pytest.raises(ShardError, match="a.tar: is missing"):
        verify(finished)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": -1}, "count"),
        ({"cuont": 1}, "cuont"),
        ({"outputs": {"../../etc/passwd": "0"}}, "inside the manifest's folder"),
        ({"outputs": {"/etc/passwd": "0"}}, "inside the manifest's folder"),
        ({"recipe_hash": "xyz"}, "recipe_hash"),
    ],
)
def test_corrupt_manifest_names_file_and_field(finished, change, message):
    finished.write_text(json.dumps(json.loads(finished.read_text()) | change))
    with pytest.raises(DataError, match=f"a.json: .*{message}") as caught:
        read_manifest(finished)
    assert "\n" not in str(caught.value)


def test_truncated_manifest_is_a_shard_error_on_verification(finished):
    finished.write_bytes(finished.read_bytes()[:40])
    with pytest.raises(ShardError, match="a.json: line"):
        verify(finished)


# ---------------------------------------------------------------------------------------------------- resume


def test_progress_lies_outside_the_declared_outputs():
    assert progress_dir(Path("results/exp/synthesis/prism/shard-0003.tar")) == Path(
        "results/.progress/exp/synthesis/prism/shard-0003.tar"
    )
    assert progress_dir(Path("/a/results/b/results/c/d.tar")) == Path("/a/results/b/results/.progress/c/d.tar")
    assert progress_dir(Path("elsewhere/d.tar")) == Path("elsewhere/.progress/d.tar")
