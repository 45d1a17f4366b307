"""Tasks: one a partition or a shard, each few and big, cached by content, retried where storage may fail.

What a task makes stands in the recipe's ``.cache`` or in the release; tasks pass paths and counts, never tables of
text. A cached result counts only while its files are intact: the key is None (run again) where they are not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext
from prefect.futures import PrefectFuture

from curation import storage
from curation.stages import decontaminate as decontaminate_stage
from curation.stages import describe as describe_stage
from curation.stages import history as history_stage
from curation.stages import ledger as ledger_stage
from curation.stages import paragraphs as paragraphs_stage
from curation.stages import write as write_stage
from curation.stages.catalogue import Input, Partition
from curation.stages.prepare import Prepared, load_prepared, prepare
from curation.stages.write import ShardSpan, WrittenShard
from schemas.decontamination import Decontaminate
from schemas.dedup import Dedup, Paragraphs
from schemas.formatters import Conditioning
from schemas.recipe import Recipe
from schemas.shards import Shards

RETRIES = 2
RETRY_SECONDS = [1.0, 10.0]


def _storage_failed(_task: Any, _run: Any, state: Any) -> bool:
    """Retry what may pass (a network or disk error), not what is wrong with recipe or input."""
    return isinstance(state.result(raise_on_failure=False), OSError)


def _prepared_key(_context: TaskRunContext, parameters: dict[str, Any]) -> str | None:
    return f"prepare-{parameters['key']}" if load_prepared(parameters["folder"]) is not None else None


@task(
    name="prepare",
    task_run_name="prepare {label}",
    cache_key_fn=_prepared_key,
    persist_result=True,
    retries=RETRIES,
    retry_delay_seconds=RETRY_SECONDS,
    retry_condition_fn=_storage_failed,
    log_prints=False,
)
def prepare_partition(
    file: Input, partition: Partition, recipe: Recipe, source_index: int, folder: str, key: str, label: str
) -> Prepared:
    """Read and clean one partition, unless its folder already holds that."""
    done = load_prepared(folder)
    if done is not None:
        return done
    return prepare(file, partition, recipe=recipe, source=recipe.sources[source_index], folder=folder, key=key)


@task(
    name="tag",
    task_run_name="tag partition {number}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_condition_fn=_storage_failed,
)
def tag_partition(
    prepared: Prepared,
    recipe: Recipe,
    source_index: int,
    number: int,
    kept: npt.NDArray[np.int64],
    target: str,
    tags: str,
    states: dict[str, pa.Table],
) -> str:
    """The pool's rows of one partition, with tags and token counts."""
    return describe_stage.describe_partition(
        prepared,
        recipe=recipe,
        source=recipe.sources[source_index],
        number=number,
        kept=kept,
        target=target,
        tags_target=tags,
        states=states,
    )


@task(
    name="fit",
    task_run_name="fit {tag}, partition {number}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_condition_fn=_storage_failed,
)
def partial_of_partition(
    prepared: Prepared,
    recipe: Recipe,
    source_index: int,
    number: int,
    kept: npt.NDArray[np.int64],
    tag: str,
    states: dict[str, pa.Table],
) -> pa.Table | None:
    """What a pool-wide tag needs of one partition."""
    return describe_stage.partial_of_partition(
        prepared, recipe=recipe, source=recipe.sources[source_index], kept=kept, tag=tag, states=states
    )


@task(
    name="paragraphs",
    task_run_name="paragraphs of partition {number}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_condition_fn=_storage_failed,
)
def find_paragraphs(
    prepared: Prepared, number: int, kept: npt.NDArray[np.int64], params: Paragraphs, target: str
) -> str:
    """The hashes of one partition's paragraphs."""
    return paragraphs_stage.find(prepared, kept, params, target)


@task(
    name="cut",
    task_run_name="cut partition {number}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_condition_fn=_storage_failed,
)
def cut_paragraphs(
    prepared: Prepared, number: int, cuts: npt.NDArray[np.int32], params: Paragraphs, target: str
) -> tuple[Prepared, pa.Table, tuple[int, int]]:
    """One partition without the paragraphs that repeat."""
    return paragraphs_stage.cut(prepared, number, cuts, params, target)


@task(
    name="decontaminate",
    task_run_name="decontaminate partition {number}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_condition_fn=_storage_failed,
)
def decontaminate_partition(
    prepared: Prepared,
    number: int,
    kept: npt.NDArray[np.int64],
    params: Decontaminate,
    files: tuple[tuple[str, str], ...],
    ignored: npt.NDArray[np.uint64],
    target: str,
) -> decontaminate_stage.Cleaned:
    """Which documents of one partition hold benchmark items, and what becomes of them."""
    return decontaminate_stage.decontaminate(prepared, number, kept, params, files, ignored, target)


@task(
    name="collisions",
    task_run_name="collisions of partition {number}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_condition_fn=_storage_failed,
)
def find_collisions(
    prepared: Prepared,
    number: int,
    kept: npt.NDArray[np.int64],
    params: Decontaminate,
    files: tuple[tuple[str, str], ...],
) -> npt.NDArray[np.uint64]:
    """The benchmarks' n-grams that one partition holds, to be counted over all."""
    return decontaminate_stage.collisions(prepared, kept, params, files)


@task(
    name="scatter",
    task_run_name="scatter partition {number}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_condition_fn=_storage_failed,
)
def scatter_partition(
    documents: str,
    tags: str,
    source: str,
    number: int,
    rows: npt.NDArray[np.int64],
    positions: npt.NDArray[np.int64],
    shards: npt.NDArray[np.int32],
    tag_names: list[str],
    target: str,
) -> str:
    """The scheduled rows of one partition, by shard."""
    return write_stage.scatter(
        documents,
        tags,
        source=source,
        rows=rows,
        positions=positions,
        shards=shards,
        tag_names=tag_names,
        rewritten=None,
        target=target,
    )


@task(
    name="shard",
    task_run_name="shard {number}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_condition_fn=_storage_failed,
)
def write_shard(
    number: int,
    span: ShardSpan,
    runs: list[str],
    phase: str,
    by: str | None,
    epochs: npt.NDArray[np.int32],
    conditioning: Conditioning | None,
    tag_names: list[str],
    shards: Shards,
    seed: int,
    release: str,
    done: str,
) -> WrittenShard:
    """Write one shard, unless a run of the same content already did and the file is intact."""
    written = write_stage.load_written(done, release)
    if written is not None:
        return written
    return write_stage.write_shard(
        span,
        runs,
        phase=phase,
        by=by,
        epochs=epochs,
        conditioning=conditioning,
        tag_names=tag_names,
        shards=shards,
        seed=seed,
        release=release,
        done=done,
    )


@task(
    name="pack",
    task_run_name="pack {number}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_condition_fn=_storage_failed,
)
def pack_shard(
    number: int,
    span: ShardSpan,
    runs: list[str],
    phase: str,
    by: str | None,
    conditioning: Conditioning | None,
    shards: Shards,
    seed: int,
    packed: str,
) -> WrittenShard:
    """Pack one shard's documents into sequences, without positions yet."""
    return write_stage.pack_shard(
        span, runs, phase=phase, by=by, conditioning=conditioning, shards=shards, seed=seed, packed=packed
    )


@task(
    name="place",
    task_run_name="place shard {number}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_condition_fn=_storage_failed,
)
def place_packed(
    number: int, shard: WrittenShard, packed: str, first: int, shards: Shards, release: str
) -> WrittenShard:
    """Write one shard of packed sequences to its final name."""
    return write_stage.place_packed(shard, packed, first, shards, release)


@task(
    name="ledger",
    task_run_name="ledger of partition {number}",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_condition_fn=_storage_failed,
)
def write_ledger(
    prepared: Prepared,
    path: str,
    source: str,
    number: int,
    decisions: pa.Table,
    scheduled: npt.NDArray[np.int64] | None,
    dedup: Dedup,
    release: str,
) -> dict[str, dict[str, int]]:
    """The ledger of one partition and what later runs need to know of it; counts by stage and rule."""
    if scheduled is not None:
        target = storage.join(release, "history", f"{number:05d}.parquet")
        history_stage.write(prepared, scheduled, params=dedup, target=target)
    return ledger_stage.write_ledger(
        prepared, path=path, source=source, number=number, decisions=decisions, release=release
    )


def collect(work: list[tuple[int, PrefectFuture[Any]]], advance: Callable[[], None]) -> list[tuple[int, Any]]:
    """Results in the order of submission; all tasks end before the first failure is raised."""
    for _, future in work:
        future.wait()
        advance()
    return [(index, future.result()) for index, future in work]
