"""``syllabus serve``: a Prefect server with its UI where none is configured, the deployments of ``prefect.yaml`` served
without pool and worker, and the reports that their runs link to."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from rich.console import Console

from curation.recipes.recipe_file import load, validate
from curation.recipes.recipe_paths import absolute
from flows import report_server
from flows.server import check_schemas_once
from schemas.errors import RecipeError, ServerError
from schemas.recipe import Recipe

HOST = "127.0.0.1"
PORT = 4200
STARTUP_SECONDS = 180
LEASES_IN_FILES = "prefect.server.concurrency.lease_storage.filesystem"
"""So that a recipe is not held for ever by a run that ended with the server; see ``one_at_a_time``."""


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
            parameters["recipe"] = absolute(validate(parameters["recipe"])).as_form()
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
        "parameters": {"recipe": absolute(recipe).as_form()},
    }


def _flow(one: dict[str, Any]) -> Any:
    """The flow of an entry of ``prefect.yaml``."""
    module, function = one["entrypoint"].removesuffix(")").split(":")
    return getattr(importlib.import_module(module.removesuffix(".py").replace("/", ".")), function)


def runner_deployment(one: dict[str, Any], like: Any = None) -> Any:
    """What Prefect serves, from an entry of ``prefect.yaml``. like: one that differs in name, texts and parameters alone, whose
    schema need not be made again."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig
    from prefect.schedules import Cron, Interval, RRule

    schedules = []
    for schedule in one.get("schedules", []):
        rest = {key: value for key, value in schedule.items() if key not in ("cron", "interval", "rrule")}
        for key, make in (("cron", Cron), ("interval", Interval), ("rrule", RRule)):
            if key in schedule:
                schedules.append(make(schedule[key], **rest))
    limit = one.get("concurrency_limit")
    own = {"name": one["name"], "description": one.get("description"), "tags": one.get("tags")}
    if like is not None:
        return like.model_copy(update={**own, "parameters": one["parameters"]})
    return _flow(one).to_deployment(
        **own,
        parameters=one["parameters"],
        schedules=schedules or None,
        concurrency_limit=ConcurrencyLimitConfig(**limit) if isinstance(limit, dict) else limit,
    )


def serve_all(console: Console, prefect_file: Path, recipes: Sequence[str] = ()) -> None:
    """Serve until interrupted. Recipes are read and flows imported while the server comes up: that takes as long."""
    server = None if os.environ.get("PREFECT_API_URL") else _start_server()
    try:
        found = declared(prefect_file, recipes)
        check_schemas_once()  # imports Prefect, which reads then where its API is
        for one in found:
            _flow(one)
        if server is not None:
            _wait(server, console)
        reports = report_server.start(HOST, 0)
        os.environ[report_server.REPORTS_URL] = f"http://{HOST}:{reports.server_address[1]}"
        try:
            asyncio.run(_serve(console, found, alone=server is not None))
        finally:
            reports.shutdown()
    finally:
        if server is not None:
            server.terminate()
            server.wait()


async def _serve(console: Console, found: list[dict[str, Any]], *, alone: bool) -> None:
    """Register the deployments and start what becomes due, until interrupted. alone: no one else uses this server.

    A run that became due while nothing served it is made up for, once for all that were missed: registering a deployment
    with schedules anew deletes the runs that they had planned (tried with 3.8.8). Unlike Prefect's `serve`, this does not
    pause schedules at its end.
    """
    from prefect.runner import Runner

    from flows.storage_credentials import StorageCredentials

    # The server writes each in a transaction that locks SQLite meanwhile: in the background, while runs are asked for, this
    # made it refuse some of them.
    console.print(f"registering {len(found)} deployments", markup=False, highlight=False)
    if alone:
        await _end_lost_runs("`syllabus serve` was killed while this ran")
    await asyncio.to_thread(StorageCredentials.register_type_and_schema)
    runner = Runner(pause_on_shutdown=False)
    first: dict[str, Any] = {}
    for one in sorted(found, key=lambda one: "recipe" in one["parameters"]):  # the forms first
        kind = json.dumps([one["entrypoint"], one.get("concurrency_limit"), one.get("schedules")], default=str)
        deployment = await asyncio.to_thread(runner_deployment, one, first.get(kind))
        first.setdefault(kind, deployment)
        missed = await _missed(f"{deployment.flow_name}/{deployment.name}") if one.get("schedules") else None
        made = await runner.aadd_deployment(deployment)
        if missed is not None:
            await _make_up(made, missed)
    console.print(f"{len(found)} deployments ready; Ctrl+C ends", markup=False, highlight=False)
    running = asyncio.create_task(runner.start())
    await asyncio.sleep(0)  # it sets a handler of its own, which ends in tracebacks
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running
    if alone:
        await _end_lost_runs("`syllabus serve` ended while this ran")


async def _end_lost_runs(why: str) -> None:
    """Say of runs that nothing runs any more that they crashed: else they hold their deployment's limit for minutes."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType
    from prefect.states import Crashed

    under_way = filters.FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.CANCELLING])
    async with get_client() as client:
        lost = await client.read_flow_runs(
            flow_run_filter=filters.FlowRunFilter(state=filters.FlowRunFilterState(type=under_way))
        )
        for run in lost:
            message = f"{why}; another run of it goes on where this one stopped"
            await client.set_flow_run_state(run.id, Crashed(message=message), force=True)


async def _missed(name: str) -> datetime | None:
    """When the first planned run of a deployment was due that nothing ran; None without one."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType
    from prefect.exceptions import ObjectNotFound

    async with get_client() as client:
        try:
            found = await client.read_deployment_by_name(name)
        except ObjectNotFound:
            return None
        if found.paused:
            return None
        due = await client.read_flow_runs(
            flow_run_filter=filters.FlowRunFilter(
                deployment_id=filters.FlowRunFilterDeploymentId(any_=[found.id]),
                state=filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
                expected_start_time=filters.FlowRunFilterExpectedStartTime(before_=datetime.now(UTC)),
            )
        )
    times = [run.expected_start_time for run in due if run.auto_scheduled and run.expected_start_time is not None]
    return min(times, default=None)


async def _make_up(deployment: UUID, missed: datetime) -> None:
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        await client.create_flow_run_from_deployment(
            deployment,
            tags=[f"made up for {missed.isoformat(timespec='seconds')}"],
            idempotency_key=f"made-up-{deployment}-{missed.isoformat()}",
        )


def _start_server() -> subprocess.Popen[bytes]:
    """A Prefect server that comes up; from now on it is the API."""
    os.environ.setdefault("PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE", LEASES_IN_FILES)
    port = int(os.environ.get("PREFECT_SERVER_API_PORT", PORT))
    os.environ["PREFECT_API_URL"] = f"http://{HOST}:{port}/api"
    with _log().open("ab") as sink:
        return subprocess.Popen(
            [sys.executable, "-m", "flows.server", "server", "start", "--host", HOST, "--port", str(port)],
            stdout=sink,
            stderr=sink,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl+C is for us: the server must still hear what became of its runs
        )


def _wait(server: subprocess.Popen[bytes], console: Console) -> None:
    """Until the server answers. Raises ServerError where it does not."""
    url = os.environ["PREFECT_API_URL"]
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            port = url.rsplit(":", 1)[1].split("/")[0]
            raise ServerError(
                f"the Prefect server ended with code {server.returncode}; is port {port} taken? Its log: {_log()}"
            )
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                console.print(f"Prefect UI: {url.removesuffix('/api')}", markup=False, highlight=False)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise ServerError(f"the Prefect server did not answer within {STARTUP_SECONDS} s; its log: {_log()}")


def _log() -> Path:
    return Path(os.environ["PREFECT_HOME"]) / "server.log"
