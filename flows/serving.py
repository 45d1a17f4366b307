"""``syllabus serve``: a Prefect server with its UI where none is configured, and a deployment a shipped recipe."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from rich.console import Console

from curation.recipe_file import load
from curation.recipe_paths import absolute
from schemas.recipe import Recipe

HOST = "127.0.0.1"
PORT = 4200
STARTUP_SECONDS = 180


def recipes_folder() -> Path:
    """The recipes that ship."""
    return Path(__file__).resolve().parent.parent / "deployments" / "recipes"


def deployments() -> list[tuple[str, Recipe]]:
    """Name and recipe of each deployment, paths absolute."""
    return [(path.stem, absolute(load(str(path)))) for path in sorted(recipes_folder().glob("*.yaml"))]


def serve_all(console: Console) -> None:
    """Serve until interrupted."""
    server = None
    if not os.environ.get("PREFECT_API_URL"):
        server = _start_server(console)
    try:
        from prefect import serve

        from flows.curate import curate
        from flows.next_round import next_round
        from flows.train_classifier import train_classifier
        from flows.verify_release import verify_release

        besides: dict[str, Any] = {
            "next-round": next_round,
            "train-classifier": train_classifier,
            "verify-release": verify_release,
        }
        runners: list[Any] = [
            curate.to_deployment(
                name=name,
                parameters={"recipe": recipe.resolved()},
                description=recipe.description or None,
                tags=["syllabus"],
                concurrency_limit=1,
            )
            for name, recipe in deployments()
        ]
        runners.append(curate.to_deployment(name="curate", description="Any recipe, from a form.", tags=["syllabus"]))
        for name, other in besides.items():
            runners.append(other.to_deployment(name=name, description=other.description, tags=["syllabus"]))
        serve(*runners)
    finally:
        if server is not None:
            server.terminate()
            server.wait()


def _start_server(console: Console) -> subprocess.Popen[bytes]:
    log = Path(os.environ["PREFECT_HOME"]) / "server.log"
    url = f"http://{HOST}:{PORT}"
    with log.open("ab") as sink:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(PORT)],
            stdout=sink,
            stderr=sink,
            stdin=subprocess.DEVNULL,
        )
    os.environ["PREFECT_API_URL"] = f"{url}/api"
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(
                f"the Prefect server ended with code {server.returncode}; is port {PORT} taken? Its log: {log}"
            )
        try:
            with urllib.request.urlopen(f"{url}/api/health", timeout=2):
                console.print(f"Prefect UI: {url}", markup=False, highlight=False)
                return server
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    server.terminate()
    raise RuntimeError(f"the Prefect server did not answer within {STARTUP_SECONDS} s; its log: {log}")
