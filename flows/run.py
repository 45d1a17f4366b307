"""The one way in which a stage runs: submitted piece by piece, shown, retried, resumed, collected, timed.

A task is told a stage's name, a work folder and a number, and gives back counts: whatever the documents, a few hundred bytes go
through the scheduler. What a piece leaves stands in the work folder, in the recipe's cache or in the release; a piece whose
files an unfinished run left whole is not run again.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture

from curation.releases.work import Work, open_work, run_piece
from curation.stages import named
from flows.progress import Progress, timed

RETRIES = 2
RETRY_SECONDS = [1.0, 10.0]
LASTING = (PermissionError, NotADirectoryError, IsADirectoryError, FileExistsError)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def _storage_failed(_task: Any, _run: Any, state: Any) -> bool:
    """Retry what may pass (a network or disk error), not what is wrong with recipe, input or place."""
    failure = state.result(raise_on_failure=False)
    return isinstance(failure, OSError) and not isinstance(failure, LASTING) and failure.errno not in FULL


@task(
    name="piece",
    task_run_name="{stage} {piece}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=RETRIES,
    retry_delay_seconds=RETRY_SECONDS,
    retry_condition_fn=_storage_failed,
    log_prints=False,
)
def run_task(stage: str, folder: str, piece: int) -> dict[str, Any]:
    """Run one piece of a stage, wherever the engine has room."""
    return run_piece(named(stage), open_work(folder), piece)


def run_stage(
    name: str, work: Work, progress: Progress, clock: dict[str, float], pieces: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """Run all pieces of a stage; the counts of each, in order. pieces: which; by default all there are.

    All tasks end before the first failure is raised.
    """
    stage = named(name)
    if pieces is None:
        pieces = range(work.pieces(stage))
    with timed(clock, stage.name), progress.stage(name, len(pieces)) as advance:
        futures: list[PrefectFuture[Any]] = [run_task.submit(name, work.folder, piece) for piece in pieces]
        for future in futures:
            future.wait()
            advance()
        return [future.result() for future in futures]
