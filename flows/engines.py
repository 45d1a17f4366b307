"""Task runners: where a flow's tasks run. The engine never changes what a release holds."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import socket
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from typing import Any
from urllib.parse import urlsplit

from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from curation.recipes.memory import bounds
from schemas.engine import Engine
from schemas.errors import RecipeError, RunError

ANSWER_SECONDS = 10
"""A cluster that does not answer for so long is not there."""


def task_runner(engine: Engine) -> TaskRunner[Any]:
    """The runner of a recipe's engine. Raises RecipeError where its packages are missing or its address is silent."""
    workers = bounds(engine).workers
    if engine.kind == "threads":
        return ThreadPoolTaskRunner(max_workers=workers)
    if engine.kind == "processes":
        # What a killed worker left behind is cleaned up by a process of its own, which would tell the terminal so.
        os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")
        return ProcessPoolTaskRunner(max_workers=workers)
    if importlib.util.find_spec(f"prefect_{engine.kind}") is None or importlib.util.find_spec(engine.kind) is None:
        raise RecipeError(
            "engine.kind", f"{engine.kind} needs the extra of its name: pip install 'syllabus[{engine.kind}]'"
        )
    return _dask(engine.address, workers) if engine.kind == "dask" else _ray(engine.address, workers)


@contextlib.contextmanager
def told_of_lost_workers() -> Iterator[None]:
    """Raises RunError where a task ended with its worker: at once for processes, after some attempts on a cluster."""
    try:
        yield
    except Exception as error:
        if isinstance(error, RuntimeError) and str(error).startswith("Failed to reach API"):
            raise RunError(
                "engine", f"{error} from a worker: set PREFECT_API_URL to a Prefect server that every worker reaches"
            ) from error
        if not isinstance(error, BrokenExecutor) and type(error).__module__.partition(".")[0] not in (
            "distributed",
            "ray",
        ):
            raise
        reason = str(error).partition("\n")[0]
        if "scheduler-connection-lost" in reason:
            raise RunError(
                "engine",
                "the Dask scheduler ended, or is not reached any more: with another one a rerun goes on where this one stopped",
            ) from error
        raise RunError(
            "engine",
            "a worker ended in the middle of its task, killed or out of memory: a rerun goes on where this one stopped; if it "
            f"was memory, with fewer workers or a smaller engine.memory ({type(error).__name__}: {reason})",
        ) from error


def _dask(address: str | None, workers: int) -> TaskRunner[Any]:
    os.environ.setdefault(
        "DASK_LOGGING__DISTRIBUTED", "critical"
    )  # read at its import, here and by workers started here
    import distributed

    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # it has a level of its own
    from prefect_dask.task_runners import DaskTaskRunner

    if address is None:
        return DaskTaskRunner(
            cluster_kwargs={
                "n_workers": workers,
                "threads_per_worker": 1,
                "dashboard_address": ":0",
                "silence_logs": logging.CRITICAL,
            },
            # A worker that dies while its nanny is starting it is not started again; tasks would wait for it for ever.
            adapt_kwargs={"minimum": workers, "maximum": workers},
        )
    try:
        distributed.Client(address, timeout=ANSWER_SECONDS, set_as_default=False).close()
    except (OSError, ValueError) as error:
        raise _silent(address, "Dask scheduler", "dask scheduler", error) from None
    return DaskTaskRunner(address=address)


def _ray(address: str | None, workers: int) -> TaskRunner[Any]:
    from flows.ray_engine import RayRunner

    if address is None:
        return RayRunner.local(workers)
    plain = urlsplit(address if "://" in address else f"//{address}")
    try:
        if plain.hostname is None or plain.port is None:
            raise ValueError("it is no host:port")
        socket.create_connection((plain.hostname, plain.port), timeout=ANSWER_SECONDS).close()
    except (OSError, ValueError) as error:
        raise _silent(address, "Ray cluster", "ray start --head", error) from None
    return RayRunner.at(address)


def _silent(address: str, what: str, command: str, error: Exception) -> RecipeError:
    return RecipeError(
        "engine.address",
        f"no {what} answers at {address!r} ({error or type(error).__name__}); start one (`{command}`), or leave the address "
        "out to have one started here",
    )
