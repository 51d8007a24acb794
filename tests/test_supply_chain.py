"""What is installed is pinned by hash and can be listed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path


def requirements(project_root: Path) -> list[str]:
    """The entries of the lock file, continued lines joined."""
    text = (project_root / "envs" / "requirements.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def test_every_package_has_one_version_and_hashes(project_root):
    entries = requirements(project_root)
    assert len(entries) > 100
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,._-]+\])?==\S+ ", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_lock_file_names_no_index_and_no_address(project_root):
    text = (project_root / "envs" / "requirements.txt").read_text(encoding="utf-8")
    assert "://" not in text and "--index-url" not in text


def test_what_the_project_asks_for_is_in_the_lock_file(project_root):
    wanted = (project_root / "envs" / "requirements.in").read_text(encoding="utf-8").splitlines()
    names = {re.split(r"[\[<>=]", line)[0].strip().lower() for line in wanted if line and not line.startswith("#")}
    pinned = {re.split(r"[\[=]", entry)[0] for entry in requirements(project_root)}
    assert names - pinned == set()


def test_the_bill_of_materials_names_the_pinned_packages_with_their_hashes(project_root, tmp_path):
    made = tmp_path / "sbom.json"
    command = [Path(sys.executable).parent / "cyclonedx-py", "requirements", "--output-file", made]
    subprocess.run([*command, project_root / "envs" / "requirements.txt"], check=True, capture_output=True)
    components = json.loads(made.read_text(encoding="utf-8"))["components"]
    versions = {component["name"]: component["version"] for component in components}
    pinned = [re.match(r"([a-z0-9._-]+)(?:\[.*?\])?==(\S+)", entry) for entry in requirements(project_root)]
    assert versions == dict(found.groups() for found in pinned)
    assert all(component["externalReferences"][0]["hashes"] for component in components)
