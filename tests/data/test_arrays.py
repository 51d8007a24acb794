"""Room for many pixels: large arrays lie in a file, hold the same, and leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading

import numpy as np
import pytest
import torch

from prism.data import arrays
from prism.data.arrays import pixel_array
from prism.data.placed import Placed
from prism.data.shards import Sample, read_shards, sample_key, write_shard
from prism.data.sources import resized
from prism.errors import DiskError


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """A folder of temporary files, and arrays that go there from 1,000 bytes on."""
    monkeypatch.setattr(arrays, "IN_MEMORY_BYTES", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def test_small_arrays_are_in_memory_and_large_ones_in_a_file_without_a_name(scratch):
    assert not isinstance(pixel_array(10, 10, 10), np.memmap)
    large = pixel_array(10, 10, 11)
    assert isinstance(large, np.memmap) and large.shape == (10, 10, 11) and large.dtype == np.uint8
    large[3] = 7
    assert large[3].min() == 7 and large[4].max() == 0
    assert list(scratch.iterdir()) == []


def test_shards_read_into_a_file_are_those_read_into_memory(scratch, tmp_path, monkeypatch):
    draws = np.random.default_rng(0)
    paths = []
    for shard in range(3):
        samples = [
            Sample(sample_key(c, shard), draws.integers(0, 256, (16, 16, 3), np.uint8), {"class_index": c})
            for c in range(4)
        ]
        paths.append(tmp_path / f"shard-{shard:04d}.tar")
        write_shard(paths[-1], samples, {"stage": "synthesis", "recipe": {}})
    filed = resized(read_shards(paths), 24)
    assert isinstance(filed.images, np.memmap)
    monkeypatch.setattr(arrays, "IN_MEMORY_BYTES", 1 << 30)
    assert np.array_equal(filed.images, resized(read_shards(paths), 24).images)
    one_by_one = read_shards(paths, lambda shard: resized(shard, 24))
    assert np.array_equal(filed.images, one_by_one.images) and one_by_one.keys == filed.keys


def test_memory_stays_small_whatever_the_array(tmp_path, project_root):
    """A quarter of a gigabyte is written through; of that, the process owns next to nothing."""
    program = """
import resource, sys
from prism.data import arrays
arrays.IN_MEMORY_BYTES = 1000
before = int(open("/proc/self/status").read().split("RssAnon:")[1].split()[0])
images = arrays.pixel_array(256, 1024, 1024)
for image in images:
    image[:] = 1
after = int(open("/proc/self/status").read().split("RssAnon:")[1].split()[0])
print(after - before)
"""
    environment = os.environ | {"PYTHONPATH": str(project_root / "src"), "TMPDIR": str(tmp_path)}
    grown = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert int(grown.stdout) < 20_000  # KiB


def test_a_folder_without_room_is_one_line_that_names_it(scratch):
    with pytest.raises(DiskError) as caught:
        pixel_array(1 << 50)
    message = str(caught.value)
    assert message.startswith(f"{scratch}: ") and "set TMPDIR" in message and "\n" not in message


def test_batches_come_from_wherever_the_images_are():
    images = torch.arange(5 * 2 * 2 * 3, dtype=torch.uint8).view(5, 2, 2, 3)
    placed = Placed(images, torch.device("cpu"))
    assert len(placed) == 5 and placed.shape == (5, 2, 2, 3)
    assert torch.equal(placed[torch.tensor([4, 0])], images[[4, 0]])


@pytest.mark.parametrize("room", [True, False])
def test_batches_of_an_epoch_come_in_its_order(monkeypatch, room):
    monkeypatch.setattr("prism.data.placed._has_room", lambda images, device: room)
    images = torch.arange(7 * 2 * 2 * 3, dtype=torch.uint8).view(7, 2, 2, 3)
    placed, order = Placed(images, torch.device("cpu")), torch.tensor([6, 2, 0, 5, 1, 3, 4])
    seen = []
    for step, indices in placed.batches(order, 2, 1, 4):
        assert torch.equal(placed[indices], images[indices])
        assert torch.equal(placed[torch.tensor([3])], images[[3]])  # others may be asked for meanwhile
        seen.append((step, indices.tolist()))
    assert seen == [(1, [0, 5]), (2, [1, 3]), (3, [4])]
    assert not list(placed.batches(order, 2, 3, 3))


def test_an_epoch_s_next_batch_is_gathered_before_it_is_asked_for(monkeypatch):
    monkeypatch.setattr("prism.data.placed._has_room", lambda images, device: False)
    placed, gathered = Placed(torch.zeros(6, 2, 2, 3, dtype=torch.uint8), torch.device("cpu")), []
    gather, done = Placed._gather, threading.Event()

    def told(self, indices):
        gathered.append(indices.tolist())
        if len(gathered) == 2:
            done.set()
        return gather(self, indices)

    monkeypatch.setattr(Placed, "_gather", told)
    epoch = placed.batches(torch.arange(6), 3, 0, 2)
    _, indices = next(epoch)
    assert done.wait(60) and gathered == [[0, 1, 2], [3, 4, 5]]
    assert placed[indices].shape == (3, 2, 2, 3) and len(gathered) == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_images_that_leave_no_room_on_the_device_stay_with_the_host(monkeypatch):
    images, device = torch.zeros(5, 2, 2, 3, dtype=torch.uint8), torch.device("cuda")
    assert Placed(images, device).tensor.is_cuda
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 1000))
    placed = Placed(images, device)
    assert not placed.tensor.is_cuda and placed[torch.tensor([1], device=device)].is_cuda
    ((_, indices),) = placed.batches(torch.arange(5), 5, 0, 1)
    assert indices.is_cuda and placed[indices].is_cuda
