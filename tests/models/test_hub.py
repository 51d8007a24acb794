"""A hub that cannot be reached: one line that names the cache and says what to do without a network."""

import os
import subprocess
import sys

import pytest

LOADERS = {
    "diffusion.pipeline": """
from types import SimpleNamespace
import torch
from prism.models.diffusion import load_text_to_image as load
settings = SimpleNamespace(pipeline="owner/model", tiny_decoder=None, revision="0" * 40, scheduler="ddim")
arguments = (settings, torch.device("cpu"))
""",
    "language model": """
from functools import partial
from prism.models.language import TransformersEngine
load, arguments = partial(TransformersEngine, revision="0" * 40), ("owner/model",)
""",
}
# The client waits 8 s between its tries; a test need not.
UNREACHED = """
import huggingface_hub.utils._http as client
client.time.sleep = lambda _: None
from prism.errors import ModelError
try:
    load(*arguments)
except ModelError as error:
    print(error)
"""


@pytest.mark.parametrize("key", LOADERS)
@pytest.mark.parametrize("network", ["off", "refused"])
def test_an_unreachable_hub_is_one_line_that_names_its_cache(key, network, tmp_path):
    silent = {"HF_HUB_OFFLINE": "1"} if network == "off" else {"HF_ENDPOINT": "http://127.0.0.1:9"}
    ended = subprocess.run(
        [sys.executable, "-c", LOADERS[key] + UNREACHED],
        env={**os.environ, "HF_HOME": str(tmp_path / "hub"), **silent},
        capture_output=True,
        text=True,
    )
    assert ended.stdout.splitlines() == [
        f"{key}: the hub cannot be reached and its cache {tmp_path}/hub/hub has not all files of owner/model; "
        "name a local folder with safetensors weights, "
        "or fill the cache where there is a network (hf download owner/model)"
    ], ended.stderr[-2000:]
