"""The one way in which a stage runs: submitted piece by piece, shown, retried, resumed, collected, timed.

A task is told a stage's name, a work folder and numbers of pieces, and gives back counts: whatever the documents, a few hundred
bytes a piece go through the scheduler. A stage of many pieces has some of them a task, for a task costs some ms, on processes and
clusters 60 to 80, and its states cost the server as much. What a piece leaves stands in the work folder, in the recipe's cache or in
the release; a piece whose files an unfinished run left whole is not run again.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Sequence
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture

from curation.recipes.memory import bounds
from curation.releases.work import Stage, Work, open_work, run_piece
from curation.stages import named
from flows.progress import Progress, timed

TASKS = 128
TASKS_A_WORKER = 8
"""Tasks of a stage at the most, in all or by the worker, whichever is more."""
RETRIES = 2
RETRY_SECONDS = [1.0, 10.0]
LASTING = (PermissionError, NotADirectoryError, IsADirectoryError, FileExistsError)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def _storage_failed(_task: Any, _run: Any, state: Any) -> bool:
    """Retry what may pass (a network or disk error), not what is wrong with recipe, input or place."""
    failure = state.result(raise_on_failure=False)
    return isinstance(failure, OSError) and not isinstance(failure, LASTING) and failure.errno not in FULL


@task(
    name="pieces",
    task_run_name="{stage} {pieces[0]}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=RETRIES,
    retry_delay_seconds=RETRY_SECONDS,
    retry_condition_fn=_storage_failed,
    log_prints=False,
)
def run_task(stage: str, folder: str, pieces: Sequence[int]) -> list[dict[str, Any]]:
    """Run some pieces of a stage, wherever the engine has room; the counts of each."""
    work = open_work(folder)
    return [run_piece(named(stage), work, piece) for piece in pieces]


def run_stage(
    name: str, work: Work, progress: Progress, clock: dict[str, float], pieces: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """Run all pieces of a stage; the counts of each, in order. pieces: which; by default all there are.

    All tasks end before the first failure is raised.
    """
    stage = named(name)
    if pieces is None:
        pieces = range(work.pieces(stage))
    limit = max(TASKS, TASKS_A_WORKER * bounds(work.recipe.engine).workers)
    some = max(1, math.ceil(len(pieces) / limit))
    shares = [pieces[first : first + some] for first in range(0, len(pieces), some)]
    with timed(clock, stage.name), progress.stage(name, len(pieces), _bytes(work, stage)) as advance:
        futures: list[PrefectFuture[Any]] = [run_task.submit(name, work.folder, share) for share in shares]
        for future, share in zip(futures, shares, strict=True):
            future.wait()
            advance(len(share))
        return [counts for future in futures for counts in future.result()]


def _bytes(work: Work, stage: Stage) -> int:
    """What a stage over all partitions goes through, in bytes of the input files."""
    return sum(file.bytes for file in work.inputs if file.same_as is None) if stage.over == "partitions" else 0
