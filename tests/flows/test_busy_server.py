"""A Prefect server that is too busy to answer ends a run by name."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import prefect
import pytest

from tests.conftest import recipe_of
from tests.faults.running import run


class _Busy(BaseHTTPRequestHandler):
    """Says that it lives, and does nothing."""

    def do_GET(self) -> None:
        known = {"/api/health": True, "/api/admin/version": prefect.__version__}
        self._answer(200 if self.path in known else 503, json.dumps(known.get(self.path, {})))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(503, '{"exception_message": "Service Unavailable"}')

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def busy() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/api"
    server.shutdown()


@pytest.mark.slow
@pytest.mark.server
def test_it_is_named(corpus: Path, tmp_path: Path, api: dict[str, str]) -> None:
    with busy() as url:
        done = run(recipe_of(tmp_path), api | {"PREFECT_API_URL": url, "PREFECT_CLIENT_MAX_RETRIES": "0"})
    assert done.returncode == 1
    assert "is too busy, or fails (HTTP 503)" in done.stderr, done.stderr
    assert url in done.stderr
    assert done.stderr.count("\n") == 1
