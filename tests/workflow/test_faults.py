"""Faults of the machine, caused for real: one clear line, nothing finished is lost, and the same command finishes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from .conftest import copied, result_hashes, with_models, with_real_models

pytestmark = pytest.mark.slow


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], capture_output=True, check=True)


class Disk:
    """A file system of its own on a folder, as large as it is told to be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        try:
            mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder))
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("mounting a small file system needs rights that this user has not")

    def set(self, option: str) -> None:
        mount("-o", f"remount,{option}", str(self.folder))

    def used_kib(self) -> int:
        fields = os.statvfs(self.folder)
        return (fields.f_blocks - fields.f_bfree) * fields.f_frsize // 1024


@pytest.fixture
def disk(tmp_path) -> Iterator[Disk]:
    made = Disk(tmp_path / "results")
    yield made
    subprocess.run(["umount", "--lazy", str(made.folder)], check=True)


def test_a_disk_that_fills_up_is_told_and_once_there_is_room_the_run_goes_on(disk, calm, tmp_path):
    place = with_real_models(copied(tmp_path))
    assert place.snakemake("prompts").status == 0
    disk.set(f"size={disk.used_kib() + 40}k")
    answer = place.snakemake("all")
    assert answer.status != 0 and "Traceback" not in answer.text
    told = [line for line in answer.text.splitlines() if "left on its disk" in line]
    assert len(told) == 1 and told[0].startswith("error: results/smoke: "), answer.text
    finished = {path: path.stat().st_mtime_ns for path in (tmp_path / "results/smoke/prompts").iterdir()}
    disk.set("size=64m")
    answer = place.snakemake("all")
    assert answer.status == 0, answer.text
    assert result_hashes(place) == result_hashes(calm)
    assert all(path.stat().st_mtime_ns == written for path, written in finished.items())
    assert not [path for path in place.path.rglob("*.part*")]


def test_results_that_are_read_only_are_one_line_before_any_job(disk, tmp_path):
    place = with_models(copied(tmp_path))
    disk.set("ro")
    answer = place.snakemake("all")
    told = [line for line in answer.text.splitlines() if line.startswith("error: ")]
    assert answer.status != 0 and len(told) == 1, answer.text
    assert "results/smoke/.run/lock: cannot be written (Read-only file system)" in told[0]
    assert "Traceback" not in answer.text and not list(disk.folder.iterdir())


def test_a_full_folder_of_temporary_files_stops_nothing(calm, tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    place = with_real_models(copied(tmp_path / "work"))
    small = Disk(tmp_path / "tmp")
    try:
        small.set("size=8k")
        (small.folder / "filler").write_bytes(b"")
        with pytest.raises(OSError, match="No space left"):
            (small.folder / "filler").write_bytes(b"0" * 100_000)
        monkeypatch.setenv("TMPDIR", str(small.folder))
        answer = place.snakemake("all")
    finally:
        subprocess.run(["umount", "--lazy", str(small.folder)], check=True)
    assert answer.status == 0, answer.text
    assert result_hashes(place) == result_hashes(calm)


def test_a_flipped_bit_is_named_and_what_has_it_is_made_again_alone(calm):
    before = result_hashes(calm)
    shard = calm.path / "results/smoke/synthesis/prism/shard-0000.tar"
    other = shard.with_name("shard-0001.tar").stat().st_mtime_ns
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 4
    shard.write_bytes(data)
    for result in (calm.path / "results/smoke/evaluation").glob("*.json"):
        result.unlink()  # whoever reads the shard next
    answer = calm.snakemake("all", "--keep-going")
    assert answer.status != 0
    (log,) = (calm.path / "results/smoke/logs/evaluation").glob("prism.log")
    assert "shard-0000.tar: has changed since it was written" in log.read_text(encoding="utf-8").splitlines()[-1]
    script = Path("scripts/verify.py").resolve()
    command = [sys.executable, str(script), "--config", "results/smoke/config.json", "--remove"]
    subprocess.run(command, cwd=calm.path, check=True, capture_output=True)
    again = calm.snakemake("all")
    assert again.status == 0, again.text
    assert result_hashes(calm) == before
    assert shard.with_name("shard-0001.tar").stat().st_mtime_ns == other
    assert again.text.count("Synthesis: ") == 1


def test_a_clock_that_was_set_back_makes_nothing_again(calm):
    """Results whose times lie in the future, or before those of their inputs, are up to date all the same."""
    paths = sorted(path for path in (calm.path / "results").rglob("*") if path.is_file())
    now = time.time()
    for place, path in enumerate(paths):
        moved = now + (86_400 if place % 2 else -86_400) + 7 * place
        os.utime(path, (moved, moved))
    answer = calm.dry_run("all")
    assert answer.nothing_to_do, answer.text


HOSTILE = {  # of letters, digits and the punctuation that a prompt may have, in 24 tokens
    "crane": "a' & touch pw '",
    "bat": "bat (touch pw)",
    "mouse": "../../mouse",
    "bow": "/etc/x",
    "palm": "-n & rm -rf x",
}
LABEL = "<script>alert('label')</script> \\input{/etc/passwd} $(touch pwned-3) & 100 % of_it #1"


@pytest.mark.parametrize(
    "name", ["bow <script>", "bow; touch pwned", "$(touch pwned)", "`touch pwned`", "\\input{pwned}"]
)
def test_a_class_name_of_other_characters_is_one_line(tmp_path, name):
    place = with_real_models(copied(tmp_path))
    entries = [{"name": name, "gloss": "a gift ribbon"}, *({"name": f"n{i}", "gloss": "a thing"} for i in range(9))]
    (tmp_path / "classes.yaml").write_text(yaml.safe_dump(entries), encoding="utf-8")
    answer = place.snakemake("prompts", "--config", "classes=classes.yaml", "evaluation={oracle: null}")
    assert answer.status != 0 and not answer.jobs
    (told,) = [line for line in answer.text.splitlines() if "plain punctuation" in line]
    assert told.startswith("config: classes: classes.yaml: ") and "Traceback" not in answer.text
    assert not list(tmp_path.rglob("pw*"))


def test_class_names_that_mean_ill_are_names_and_nothing_else(tmp_path):
    """Real images in folders, classes called by their names: through the whole workflow, into every kind of table."""
    from PIL import Image

    from prism.data.classes import load_classes
    from prism.miniature.sources import world_images

    work = tmp_path / "deep" / "er" / "work"
    work.mkdir(parents=True)
    place = with_real_models(copied(work))
    classes = load_classes(work / "config/classes/miniature.yaml")
    for split, seed in (("train", 1), ("test", 2)):
        images = world_images("in-distribution", 4, seed)
        for number, (pixels, label) in enumerate(zip(images.images, images.labels, strict=True)):
            folder = work / "real" / split / f"class-{label}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    entries = [
        {"name": HOSTILE.get(one.name, one.name), "gloss": "a thing", "folder": f"class-{one.index}"} for one in classes
    ]
    config = {
        "experiment": "hostile",
        "methods": {"vanilla": {"label": LABEL}},
        "classes": "hostile-classes.yaml",
        "synthesis": {"real": "real/train"},
        "evaluation": {"reference": "real/test", "reference_per_class": None, "oracle": None},
        "generalization": {
            "domains": {name: None for name in ("in-distribution", "sketch", "corrupted")} | {"given": "real/test"}
        },
    }
    (work / "hostile-classes.yaml").write_text(yaml.safe_dump(entries), encoding="utf-8")
    (work / "hostile.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    answer = place.snakemake("all", "--configfile", "config/smoke.yaml", "hostile.yaml", configfile=None)
    assert answer.status == 0, answer.text
    assert not list(tmp_path.rglob("pw*"))
    results = work / "results" / "hostile"
    prompts = (results / "prompts/class-name.jsonl").read_text(encoding="utf-8")
    assert "& touch pw" in prompts and "../../mouse" in prompts  # they are what they are
    for path in [*results.glob("tables/*.html"), results / "report.html"]:
        assert "<script>alert('label')" not in path.read_text(encoding="utf-8"), path
    for path in results.glob("tables/*.tex"):
        assert "\\input{" not in path.read_text(encoding="utf-8"), path
    outside = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if work not in path.parents}
    assert outside == {"deep", "deep/er", "deep/er/work"}
