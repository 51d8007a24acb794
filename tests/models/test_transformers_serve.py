"""The engine for servers against a real one: ``transformers serve`` on the loopback."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from prism.models.chats import caption_request
from prism.models.language_server import OpenAIEngine

from ..processes import ended_after, started

pytestmark = pytest.mark.slow
SECONDS_TO_START = 120
SERVE = "from transformers.cli.transformers import main; main()"


@pytest.fixture(scope="module")
def model_folder(project_root) -> Path:
    """The miniature's own: a model that has not learned to answer may say nothing at all."""
    return project_root / "assets" / "miniature" / "language-model"


@pytest.fixture(scope="module")
def base_url(model_folder, tmp_path_factory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        SERVE,
        "serve",
        str(model_folder),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    log = tmp_path_factory.mktemp("serve") / "serve.log"
    with log.open("wb") as output:
        server = started([*command, "--device", "cpu"], stdout=output, stderr=output)
    with ended_after(server):
        wait_for(f"http://127.0.0.1:{port}/health", server, log)
        yield f"http://127.0.0.1:{port}/v1"


def wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()[-2000:]
        try:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"the server did not start: {log.read_text()[-2000:]}")


def test_a_real_server_answers_each_request(base_url, model_folder):
    engine = OpenAIEngine(str(model_folder), base_url=base_url, timeout=60, parallel=2)
    chats = [
        caption_request(name=name, gloss=None, style="photo", hints=["at night"], lines=1) for name in ("crane", "bat")
    ]
    # This server seeds all requests at once, so that sampled answers depend on which of two comes first.
    answers = engine.complete(chats, seeds=[1, 2], max_new_tokens=32, temperature=0.0, top_p=1.0)
    assert [name in answer for name, answer in zip(("crane", "bat"), answers, strict=True)] == [True, True], answers
