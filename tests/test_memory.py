"""Memory that runs out: batches in pieces where that gives the same, one clear line where it does not."""

import subprocess
import sys

import pytest
import torch

from prism.errors import ModelError
from prism.memory import Pieces, as_a_whole, is_out_of_memory


def squares_of_at_most(limit):
    """A function of rows on a device that holds ``limit`` of them."""

    def function(rows):
        if rows.stop - rows.start > limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return [row * row for row in range(rows.start, rows.stop)]

    return function


@pytest.mark.parametrize("limit", [1, 3, 7, 16, 100])
@pytest.mark.parametrize("most", [None, 10])
def test_every_row_comes_once_and_in_order_however_small_the_memory(limit, most):
    parts = Pieces().run(squares_of_at_most(limit), 37, most=most)
    assert [value for part in parts for value in part] == [row * row for row in range(37)]


def test_a_size_that_fits_is_kept_and_told(caplog):
    pieces = Pieces()
    assert pieces.facts() == {}
    pieces.run(squares_of_at_most(5), 32)
    assert pieces.facts() == {"rows_at_once": 4}  # 32, 16, 8, 4
    assert "out of memory with 32 images at once: 16 from now on" in caplog.text
    asked = []
    pieces.run(lambda rows: asked.append(rows.stop - rows.start), 10)
    assert asked == [4, 4, 2]


def test_what_does_not_fit_alone_is_one_line():
    with pytest.raises(ModelError, match="not even one image fits into the memory .CUDA out of memory"):
        Pieces().run(squares_of_at_most(0), 4)


def test_other_errors_pass():
    def broken(rows):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        Pieces().run(broken, 4)
    with pytest.raises(RuntimeError, match="mat1 and mat2"), as_a_whole("diffusion.batch", 4):
        broken(None)


def test_a_batch_that_may_not_be_cut_names_its_key_and_a_smaller_one():
    with pytest.raises(ModelError) as caught, as_a_whole("distillation.batch", 256):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has ...")
    message = str(caught.value)
    assert message.startswith("distillation.batch: batches of 256 images do not fit") and "such as 128" in message
    assert "\n" not in message


def test_the_allocator_s_own_words_are_known():
    """What torch really raises when the memory of a CPU is out."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(ValueError("out of memory"))


# The kernel refuses more address space: what torch then says is a machine's own out of memory, of the host.
SCARCE = """
import logging, resource
import torch
from prism.models.classifiers import build
from prism.models.scoring import predict

logging.basicConfig(format="%(message)s")
torch.set_num_threads(1)
torch.backends.mkldnn.enabled = False  # it has words of its own, which differ by processor
network = build("miniature-vgg", 10, 32, seed=0)
images = torch.randint(0, 256, (2048, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

def scored(batch):
    return predict(network, images, batch=batch, device=torch.device("cpu"))

with torch.inference_mode():
    plenty = scored(64)
    now = int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1]) << 10
    resource.setrlimit(resource.RLIMIT_AS, (now + (200 << 20), resource.RLIM_INFINITY))
    scarce = scored(2048)
print(float((plenty - scarce).abs().max()))
"""


def test_where_the_kernel_gives_no_more_memory_scores_stay_the_same():
    ended = subprocess.run([sys.executable, "-c", SCARCE], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "out of memory with 2048 images at once: 1024 from now on" in ended.stderr
    assert float(ended.stdout) < 1e-4
