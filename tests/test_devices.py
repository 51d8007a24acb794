"""Devices and precisions are picked by name, and manifests get the facts."""

from __future__ import annotations

import json

import pytest
import torch

from prism import devices
from prism.errors import ConfigError

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_auto_takes_cuda_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert devices.pick_device() == CUDA and devices.pick_device("cuda") == CUDA
    assert devices.pick_device("cpu") == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.pick_device() == CPU
    with pytest.raises(ConfigError, match="device: cuda is asked for, but torch sees no CUDA device"):
        devices.pick_device("cuda")


def test_auto_precision_is_bf16_where_cuda_has_it_and_fp32_elsewhere(monkeypatch):
    assert devices.pick_precision("auto", CPU) == torch.float32
    for native, wanted in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, native=native: native)
        assert devices.pick_precision("auto", CUDA) == wanted
    assert devices.pick_precision("fp32", CPU) == torch.float32
    assert devices.pick_precision("bf16", CPU) == torch.bfloat16


def test_single_precision_is_that_of_a_cpu_on_every_gpu(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    devices.pick_device("cpu")
    assert torch.backends.cudnn.allow_tf32 is False and torch.backends.cuda.matmul.allow_tf32 is False


def test_unknown_names_are_refused():
    with pytest.raises(ConfigError, match="device: 'gpu' is unknown; it may be auto, cpu or cuda"):
        devices.pick_device("gpu")
    with pytest.raises(ConfigError, match="precision: 'fp16' is unknown"):
        devices.pick_precision("fp16", CPU)
    with pytest.raises(ConfigError, match="threads_per_job: 0"):
        devices.set_threads(0)


def test_threads_are_set(monkeypatch):
    before = torch.get_num_threads()
    try:
        assert devices.set_threads(1) == 1 == torch.get_num_threads()
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        assert devices.set_threads() == 3
        monkeypatch.delenv("OMP_NUM_THREADS")
        assert devices.set_threads() == devices.available_cores()
    finally:
        torch.set_num_threads(before)


def test_run_facts_are_plain_json():
    facts = devices.run_facts(2.0, 10, CPU)
    assert json.loads(json.dumps(facts)) == facts
    assert facts["seconds"] == 2.0 and facts["images_per_second"] == 5.0
    assert 10 < facts["peak_memory_mb"] < 1e6
    assert facts["versions"]["torch"] == torch.__version__.split("+")[0]
    assert facts["machine"]["cores"] >= 1
    assert "arithmetic" not in facts
    assert devices.run_facts(1, 1, CPU, torch.bfloat16)["arithmetic"] == "cpu bfloat16"
    assert devices.run_facts(0.0, 10)["images_per_second"] is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_facts_name_the_device():
    device = devices.pick_device("cuda")
    devices.reset_peak_memory()
    torch.zeros(1 << 20, device=device)
    assert devices.peak_memory_mb(device) >= 4
    assert devices.machine_facts(device)["gpu_memory_mb"] > 0
