import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from prism.errors import EngineError
from prism.models.chats import caption_request
from prism.models.language_server import OpenAIEngine

SETTINGS = {"max_new_tokens": 12, "temperature": 0.8, "top_p": 0.9}
CHATS = [
    caption_request(name="crane", gloss="a wading bird", style="photo", hints=["at night"], lines=1),
    caption_request(name="bat", gloss=None, style="pencil sketch", hints=["at sea", "indoors"], lines=4),
]
Replies = list[Callable[[BaseHTTPRequestHandler], None]]


class Server:
    """Speaks the protocol of chat completions; ``replies`` are used up one by one, the last one stays."""

    def __init__(self, replies: Replies) -> None:
        self.asked: list[dict] = []
        self.headers: list[dict[str, str]] = []
        server, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802 (the standard library's name)
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    server.asked.append({"path": self.path, **body})
                    server.headers.append(dict(self.headers))
                    reply = replies.pop(0) if len(replies) > 1 else replies[0]
                self.body = body
                reply(self)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers = []

    def start(*replies: Callable[[BaseHTTPRequestHandler], None]) -> Server:
        servers.append(Server(list(replies)))
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


def send(status: int, body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def answer(content: str | None) -> Callable[[BaseHTTPRequestHandler], None]:
    return send(200, json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode())


def hang(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1.0)


def drip(handler: BaseHTTPRequestHandler) -> None:
    """An answer without an end, of which some always comes before a socket's time-out."""
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(OSError):  # the engine has gone
        while True:
            handler.wfile.write(b" ")
            time.sleep(0.02)


def drop(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


def ask(server: Server, chats=CHATS[:1], **options) -> list[str]:
    engine = OpenAIEngine("m", base_url=server.url, **{"backoff": 0.01, "retries": 2, "timeout": 5.0} | options)
    return engine.complete(chats, seeds=range(len(chats)), **SETTINGS)


def test_requests_speak_the_protocol(serve):
    server = serve(answer("a photo of a crane"))
    assert ask(server) == ["a photo of a crane"]
    assert server.asked[0]["path"] == "/v1/chat/completions"
    assert {key: server.asked[0][key] for key in ("model", "max_tokens", "temperature", "top_p", "seed")} == {
        "model": "m", "max_tokens": 12, "temperature": 0.8, "top_p": 0.9, "seed": 0,
    }  # fmt: skip
    assert [message["role"] for message in server.asked[0]["messages"]] == ["system", "user"]


def test_answers_keep_the_order_of_the_requests(serve):
    def later_for_earlier_requests(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.1 / (1 + handler.body["seed"]))
        answer(str(handler.body["seed"]))(handler)

    assert ask(serve(later_for_earlier_requests), CHATS * 4) == [str(number) for number in range(8)]


@pytest.mark.parametrize(
    "trouble",
    [
        send(429, b"slow down", Retry_After="0"),
        send(500, b"oops"),
        send(503, b""),
        send(200, b'{"choices": [{"mess'),
        send(200, b"[]"),
        send(200, b'{"choices": []}'),
        send(200, b'{"choices": [{"message": null}]}'),
        drop,
    ],
    ids=["429", "500", "503", "half-json", "list", "no-choice", "null", "dropped"],
)
def test_passing_trouble_is_tried_again(serve, trouble):
    server = serve(trouble, answer("fine"))
    assert ask(server) == ["fine"]
    assert len(server.asked) == 2


def test_lasting_trouble_ends_after_bounded_tries_with_one_line(serve):
    server = serve(send(500, b"oops"))
    with pytest.raises(EngineError, match=r"no answer after 3 tries: status 500") as caught:
        ask(server)
    assert len(server.asked) == 3 and "\n" not in str(caught.value)


def test_hanging_servers_time_out(serve):
    with pytest.raises(EngineError, match="timed out"):
        ask(serve(hang), timeout=0.1, retries=1)


def test_answers_that_never_end_time_out(serve):
    start = time.monotonic()
    with pytest.raises(EngineError, match=r"no answer after 2 tries: the answer took longer than 1 s"):
        ask(serve(drip), timeout=1.0, retries=1)
    assert time.monotonic() - start < 30


def test_ten_megabytes_are_not_read_and_not_asked_for_again(serve):
    server = serve(answer("crane " * 1_700_000))
    with pytest.raises(EngineError, match="its answer is longer than 4 MiB") as caught:
        ask(server)
    assert len(server.asked) == 1 and len(str(caught.value)) < 200


def test_refused_requests_are_not_tried_again_and_say_why(serve):
    server = serve(send(404, b'{"error": "no model\nm"}'))
    with pytest.raises(EngineError, match="status 404.*no model m") as caught:
        ask(server)
    assert len(server.asked) == 1 and "\n" not in str(caught.value)


def test_servers_that_are_not_there_are_one_clear_line(serve):
    server = serve(answer("x"))
    server.http.server_close()
    with pytest.raises(EngineError, match=f"{server.url}/chat/completions: no answer after 2 tries: .*refused"):
        ask(server, retries=1)


def test_an_empty_message_is_an_empty_answer(serve):
    assert ask(serve(answer(None))) == [""]


def test_redirects_are_not_followed(serve):
    target = serve(answer("stolen"))
    server = serve(send(302, b"", Location=f"{target.url}/chat/completions"))
    with pytest.raises(EngineError, match="status 302"):
        ask(server)
    assert target.asked == []


def test_the_key_comes_from_the_environment_and_is_never_told(serve, monkeypatch, caplog):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    server = serve(send(401, b"bad key"))
    with caplog.at_level(logging.DEBUG), pytest.raises(EngineError) as caught:
        ask(server)
    assert server.headers[0]["Authorization"] == "Bearer sk-very-secret"
    assert "secret" not in str(caught.value) + caplog.text
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(EngineError):
        ask(server)
    assert "Authorization" not in server.headers[1]


def test_keys_that_cannot_be_sent_are_refused_without_telling_them(serve, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-se\ncret")
    with pytest.raises(EngineError, match="OPENAI_API_KEY: holds characters") as caught:
        ask(serve(answer("x")))
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://host/v1", "localhost:8000", "http://user:pass@host/v1", "http://"])
def test_addresses_must_be_plain_http(url):
    with pytest.raises(EngineError, match="base_url") as caught:
        OpenAIEngine("m", base_url=url)
    assert "pass" not in str(caught.value).replace("password", "")
