"""An HTTP proxy in front of an object store that fails now and then, as stores and networks do; by a seed."""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

KINDS = ("500", "503", "reset", "lost answer", "half a body", "slow")
SLOW_SECONDS = 0.5


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, store: str, seed: int, rate: float):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store, self.rate = urlsplit(store).netloc, rate
        self._draw, self._lock = random.Random(seed), threading.Lock()
        self.made: Counter[str] = Counter()

    def fault(self) -> str | None:
        """What happens to the next request."""
        with self._lock:
            kind = self._draw.choice(KINDS) if self._draw.random() < self.rate else None
            if kind is not None:
                self.made[kind] += 1
        return kind

    def handle_error(self, *_: object) -> None:
        pass  # a client that has gone


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.fault()
        if fault == "slow":
            time.sleep(SLOW_SECONDS)
        elif fault == "reset":
            self._reset()
            return
        elif fault in ("500", "503"):
            said = (
                b"<Error><Code>SlowDown</Code></Error>"
                if fault == "503"
                else b"<Error><Code>InternalError</Code></Error>"
            )
            self._answer(int(fault), [("Content-Type", "application/xml")], said)
            return
        there = http.client.HTTPConnection(self.server.store, timeout=60)
        there.request(self.command, self.path, body, dict(self.headers.items()))
        answer = there.getresponse()
        data = answer.read()
        there.close()
        if fault == "lost answer":  # it was done, and nobody hears of it
            self._reset()
            return
        headers = [
            (k, v)
            for k, v in answer.getheaders()
            if k.lower() not in ("connection", "transfer-encoding", "date", "server")
        ]
        self._answer(answer.status, headers, data, half=fault == "half a body" and len(data) > 1)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _forward

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes, *, half: bool = False) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() != "content-length" or self.command == "HEAD":
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if half else data)
        if half:
            self._reset()

    def _reset(self) -> None:
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def failing(store: str, *, seed: int, rate: float) -> Iterator[tuple[str, Counter[str]]]:
    """The address of the proxy, and what it has done so far. rate: the share of requests that fail."""
    server = _Server(store, seed, rate)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", server.made
    server.shutdown()
    server.server_close()
