"""Language models behind a server that speaks OpenAI's protocol of chat completions."""

import http.client
import json
import logging
import os
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from prism.documents import parse_json
from prism.errors import EngineError
from prism.models.language import Conversation

log = logging.getLogger(__name__)

API_KEY_VARIABLE = "OPENAI_API_KEY"
_MAX_REPLY_BYTES = 4 << 20
# Connections that fail, and replies that are cut short or of another shape (half a JSON is a ValueError).
_BROKEN = (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, AttributeError)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another host."""

    def redirect_request(self, *_: object) -> None:
        return None


class OpenAIEngine:
    """Any server with ``POST <base_url>/chat/completions``, such as ``vllm serve`` or ``transformers serve``.

    Args:
        base_url: for example ``http://localhost:8000/v1``.
        timeout: seconds that one request may take.
        retries: further tries after status 429 or 5xx, a time-out, a refused connection or a reply cut short.
        backoff: seconds before the first of them; doubled for each next one, unless the server names a time.
        parallel: requests under way at once.

    The key comes from the environment variable ``OPENAI_API_KEY`` alone and is never logged.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        timeout: float = 120.0,
        retries: int = 4,
        backoff: float = 1.0,
        parallel: int = 8,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise EngineError("base_url must be of the form http://host:port/v1, without user or password")
        self.model, self.url = model, f"{base_url.rstrip('/')}/chat/completions"
        self.timeout, self.retries, self.backoff, self.parallel = timeout, retries, backoff, parallel
        own_machine = parts.hostname in ("localhost", "127.0.0.1", "::1")
        handlers = [_NoRedirects(), *([urllib.request.ProxyHandler({})] if own_machine else [])]
        self._opener = urllib.request.build_opener(*handlers)

    def complete(
        self,
        messages_batch: Sequence[Conversation],
        *,
        seeds: Sequence[int],
        max_new_tokens: int,
        temperature: float,
        top_p: float,
    ) -> list[str]:
        """See :class:`Engine`; equal answers need a server that honours ``seed``.

        Raises:
            EngineError: the server cannot be reached, refuses the request, or answers no chat completion.
        """
        bodies = [
            {
                "model": self.model,
                "messages": list(messages),
                "max_tokens": max_new_tokens,
                "temperature": temperature,
                "top_p": top_p,
                "seed": seed % (1 << 31),
            }
            for messages, seed in zip(messages_batch, seeds, strict=True)
        ]
        with ThreadPoolExecutor(max_workers=self.parallel) as pool:
            return list(pool.map(self._ask, bodies))

    def _ask(self, body: dict) -> str:
        for attempt in range(self.retries + 1):
            wait = self.backoff * 2**attempt
            try:
                return self._post(body)
            except urllib.error.HTTPError as error:
                reason = f"status {error.code} {error.reason}"
                if error.code != 429 and error.code < 500:
                    raise EngineError(f"language model server {self.url}: {reason}: {_snippet(error)}") from None
                wait = _named_wait(error, wait)
            except _BROKEN as error:
                reason = str(getattr(error, "reason", None) or error) or type(error).__name__
            if attempt < self.retries:
                log.warning("%s: %s; trying again in %.1f s", self.url, reason, wait)
                time.sleep(wait)
        raise EngineError(f"language model server {self.url}: no answer after {self.retries + 1} tries: {reason}")

    def _post(self, body: dict) -> str:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key := os.environ.get(API_KEY_VARIABLE, "").strip():
            # The standard library would repeat a header that it cannot send in its error message.
            if not (key.isascii() and key.isprintable()):
                raise EngineError(f"{API_KEY_VARIABLE}: holds characters that a key cannot have")
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers, method="POST")
        with self._opener.open(request, timeout=self.timeout) as reply:
            message = parse_json(self._read(reply))["choices"][0]["message"]
        return str(message.get("content") or "")

    def _read(self, reply: http.client.HTTPResponse) -> bytes:
        """All of a reply, or none of one that never ends: the opener's time-out starts anew with each byte."""
        text, deadline = bytearray(), time.monotonic() + self.timeout
        while piece := reply.read1(1 << 16):
            text += piece
            if len(text) > _MAX_REPLY_BYTES:
                limit = f"{_MAX_REPLY_BYTES >> 20} MiB"
                raise EngineError(f"language model server {self.url}: its answer is longer than {limit}; no prompt is")
            if time.monotonic() > deadline:
                raise TimeoutError(f"the answer took longer than {self.timeout:g} s")
        return bytes(text)


def _named_wait(error: urllib.error.HTTPError, wait: float) -> float:
    named = error.headers.get("Retry-After", "")
    return min(60.0, float(named)) if named.isdigit() else wait


def _snippet(error: urllib.error.HTTPError) -> str:
    text = error.read(2000).decode("utf-8", "replace")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]
