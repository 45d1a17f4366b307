"""Task runners: where a flow's tasks run. The engine never changes what a release holds."""

from __future__ import annotations

import os
from typing import Any

from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from schemas.engine import Engine
from schemas.errors import RecipeError


def task_runner(engine: Engine) -> TaskRunner[Any]:
    """The runner of a recipe's engine. Raises RecipeError where Dask is asked for and not installed."""
    workers = engine.workers or os.cpu_count() or 1
    if engine.kind == "threads":
        return ThreadPoolTaskRunner(max_workers=workers)
    if engine.kind == "processes":
        return ProcessPoolTaskRunner(max_workers=workers)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError:
        raise RecipeError("engine.kind", "dask needs the extra: pip install 'syllabus[dask]'") from None
    if engine.address is not None:
        return DaskTaskRunner(address=engine.address)
    return DaskTaskRunner(cluster_kwargs={"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None})
