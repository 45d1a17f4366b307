"""``syllabus serve``: a Prefect server with its UI where none is configured, the deployments of ``prefect.yaml`` served
without pool and worker, and the reports that their runs link to."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from curation.recipe_file import load, validate
from curation.recipe_paths import absolute
from flows.artifacts import REPORTS_URL
from schemas.errors import RecipeError
from schemas.recipe import Recipe

HOST = "127.0.0.1"
PORT = 4200
STARTUP_SECONDS = 180
LEASES_IN_FILES = "prefect.server.concurrency.lease_storage.filesystem"
"""So that a recipe is not held for ever by a run that ended with the server; see ``one_at_a_time``."""


def deployments_folder() -> Path:
    """``prefect.yaml`` and the recipes that ship."""
    return Path(__file__).resolve().parent.parent / "deployments"


def recipes_folder() -> Path:
    """The recipes that ship."""
    return deployments_folder() / "recipes"


def declared(prefect_file: Path, recipes: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The deployments of a ``prefect.yaml``; with recipes, one each of these instead of those that carry a recipe.

    A recipe in ``parameters`` is validated, its paths made absolute: runs do not start where the file stands. Raises
    RecipeError with the place.
    """
    try:
        plain = yaml.safe_load(prefect_file.read_text(encoding="utf-8"))
        found = [dict(one) for one in plain["deployments"]]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
        raise RecipeError(str(prefect_file), "is no readable prefect.yaml with `deployments`") from None
    for one in found:
        parameters = dict(one.get("parameters") or {})
        if "recipe" in parameters:
            parameters["recipe"] = absolute(validate(parameters["recipe"])).resolved()
        one["parameters"] = parameters
    if not recipes:
        return found
    mine = [_of_recipe(Path(path).stem, load(path)) for path in recipes]
    return [*mine, *(one for one in found if "recipe" not in one["parameters"])]


def _of_recipe(name: str, recipe: Recipe) -> dict[str, Any]:
    return {
        "name": name,
        "entrypoint": "flows/curate.py:curate",
        "description": recipe.description,
        "tags": ["syllabus", "recipe"],
        "concurrency_limit": {"limit": 1, "collision_strategy": "ENQUEUE"},
        "parameters": {"recipe": absolute(recipe).resolved()},
    }


def runner_deployment(one: dict[str, Any]) -> Any:
    """What Prefect serves, from an entry of ``prefect.yaml``."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig
    from prefect.schedules import Cron, Interval, RRule

    module, function = one["entrypoint"].removesuffix(")").split(":")
    flow = getattr(importlib.import_module(module.removesuffix(".py").replace("/", ".")), function)
    schedules = []
    for schedule in one.get("schedules", []):
        rest = {key: value for key, value in schedule.items() if key not in ("cron", "interval", "rrule")}
        for key, make in (("cron", Cron), ("interval", Interval), ("rrule", RRule)):
            if key in schedule:
                schedules.append(make(schedule[key], **rest))
    limit = one.get("concurrency_limit")
    return flow.to_deployment(
        name=one["name"],
        description=one.get("description"),
        tags=one.get("tags"),
        parameters=one["parameters"],
        schedules=schedules or None,
        concurrency_limit=ConcurrencyLimitConfig(**limit) if isinstance(limit, dict) else limit,
    )


def serve_all(console: Console, prefect_file: Path, recipes: Sequence[str] = ()) -> None:
    """Serve until interrupted."""
    found = declared(prefect_file, recipes)
    server = None
    if not os.environ.get("PREFECT_API_URL"):
        server = _start_server(console)
    from flows import report_server

    reports = report_server.start(HOST, 0)
    os.environ[REPORTS_URL] = f"http://{HOST}:{reports.server_address[1]}"
    try:
        from prefect import serve

        serve(*(runner_deployment(one) for one in found))
    finally:
        reports.shutdown()
        if server is not None:
            server.terminate()
            server.wait()


def _start_server(console: Console) -> subprocess.Popen[bytes]:
    log = Path(os.environ["PREFECT_HOME"]) / "server.log"
    os.environ.setdefault("PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE", LEASES_IN_FILES)
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
