"""A Prefect API for one command, where none is configured: a child process that ends with its parent.

Prefect's own temporary server outlives a parent that is killed, and prints tracebacks of cancelled services at
exit. This one asks the kernel to end it with the parent, and logs to a file.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from schemas.errors import ServerError

STARTUP_SECONDS = 180
DRAIN_SECONDS = 10
PR_SET_PDEATHSIG = 1
LOOPBACK = "127.0.0.1"


def prefect_home() -> Path:
    """``.prefect`` in the checkout, or in the working directory where Syllabus is installed as a package."""
    checkout = Path(__file__).resolve().parent.parent
    return (checkout if (checkout / "pyproject.toml").exists() else Path.cwd()) / ".prefect"


def configure() -> None:
    """Prefect's settings for our commands, before Prefect is imported; what the user has set stays."""
    home = Path(os.environ.setdefault("PREFECT_HOME", str(prefect_home())))
    home.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PREFECT_LOCAL_STORAGE_PATH", str(home / "storage"))
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    # One by one, a server records 70 task runs a second; a run that makes more would end before its states are there.
    recorder = {"READ_BATCH_SIZE": "50", "BATCH_SIZE": "200", "FLUSH_INTERVAL": "1"}
    for name, value in recorder.items():
        os.environ.setdefault(f"PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_{name}", value)


@contextlib.contextmanager
def embedded_api(cluster: str | None = None, meanwhile: Callable[[], object] | None = None) -> Iterator[str]:
    """The URL of a Prefect API: the configured one, else a child's that lives as long as the block.

    It listens on this machine alone; with the address of a ``cluster`` on others, where that reaches it, behind a
    password of its own, which Prefect hands on to the tasks. ``meanwhile`` is called while the child comes up: imports take
    as long. Raises ServerError with the log's place if the child does not come up.
    """
    configured = os.environ.get("PREFECT_API_URL")
    if configured:
        if meanwhile is not None:
            meanwhile()
        yield configured
        return
    host = _host_for(cluster)
    port = _free_port(host)
    log = Path(os.environ["PREFECT_HOME"]) / "embedded-api.log"
    environment = {
        **os.environ,
        "PREFECT_UI_ENABLED": "0",
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
    }
    if host != LOOPBACK:
        password = f"syllabus:{secrets.token_hex(32)}"
        environment["PREFECT_SERVER_API_AUTH_STRING"] = os.environ["PREFECT_API_AUTH_STRING"] = password
    with log.open("ab") as sink:
        child = subprocess.Popen(
            [sys.executable, "-m", "flows.embedded_api", host, str(port), str(os.getpid())],
            env=environment,
            stdout=sink,
            stderr=sink,
            stdin=subprocess.DEVNULL,
            cwd=Path(__file__).resolve().parent.parent,
        )
    url = f"http://{host}:{port}/api"
    os.environ["PREFECT_API_URL"] = url  # before Prefect is imported and reads it
    try:
        if meanwhile is not None:
            meanwhile()
        _wait(url, child, log)
        yield url
    finally:
        _send_events()
        os.environ.pop("PREFECT_API_URL", None)
        if host != LOOPBACK:
            os.environ.pop("PREFECT_API_AUTH_STRING", None)
        child.terminate()
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _send_events() -> None:
    """What Prefect still has to tell the server: tasks' last states are events."""
    if "prefect" in sys.modules:
        from prefect.events.worker import EventsWorker

        EventsWorker.drain_all(timeout=DRAIN_SECONDS, at_exit=False)


def _host_for(cluster: str | None) -> str:
    """Our address as the cluster's machine sees it; loopback without one, or where it is this machine."""
    named = urlsplit(cluster if "://" in cluster else f"//{cluster}") if cluster is not None else None
    try:
        if named is None or named.hostname is None:
            return LOOPBACK
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # sends nothing
            probe.connect((named.hostname, named.port or 1))
            host: str = probe.getsockname()[0]
            return host
    except (OSError, ValueError):
        return LOOPBACK  # what is wrong with the address is said where it is used


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(url: str, child: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise ServerError(f"the embedded Prefect API ended with code {child.returncode}; its log is {log}")
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2) as response:
                if response.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise ServerError(f"the embedded Prefect API did not answer within {STARTUP_SECONDS} s; its log is {log}")


def _serve(host: str, port: int, parent: int) -> None:
    """Become the server: end with the parent (Linux), then run uvicorn in this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        return  # the parent was gone before the kernel was asked
    import uvicorn
    from prefect.server.api.server import create_app

    uvicorn.run(create_app, factory=True, host=host, port=port, log_level="warning", lifespan="on")


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
