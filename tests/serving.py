"""`syllabus serve` as a user starts it, with a Prefect server of its own, and what its API says."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.conftest import ROOT


def missing(said: str) -> NoReturn:
    """Skip a test that needs what is not installed; in CI, which installs it, fail."""
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(folder: Path, port: int, *arguments: str) -> Iterator[str]:
    """`syllabus serve ARGUMENTS` in a folder, with a server of its own; its URL, as soon as its deployments are there."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT")},
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_API_PORT": str(port),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "flows.cli", "serve", *arguments]
    log = folder / f"serve-{time.monotonic_ns()}.log"
    with log.open("wb") as sink:
        served = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=sink, stderr=sink, start_new_session=True
        )
    try:
        until(lambda: "ready" in log.read_text() or served.poll() is not None, 120, "the deployments are not served")
        assert served.poll() is None, log.read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        served.terminate()
        try:
            served.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(served.pid, signal.SIGKILL)


def answers(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(done: Callable[[], Any], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.3)


BUSY = 5
"""Times that a busy server is asked."""


def ask(server: str, path: str, **body: Any) -> Any:
    """An answer of the server's API. One that is busy (503: SQLite has one writer at a time) is asked again, as Prefect's client does."""
    request = urllib.request.Request(
        f"{server}/api/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    for left in reversed(range(BUSY)):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            if error.code != 503 or not left:
                raise
            time.sleep(1)
    raise AssertionError


def runs(server: str) -> list[dict[str, Any]]:
    """The flow runs, by when they started."""
    found: list[dict[str, Any]] = ask(server, "flow_runs/filter", limit=200, sort="START_TIME_ASC")
    return found


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
