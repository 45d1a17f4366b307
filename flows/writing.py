"""The second half of a run: shards in training order, and the ledger of what is not in them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from curation import storage
from curation.stages import deduplicate as deduplicate_stage
from curation.stages import ledger as ledger_stage
from curation.stages import planning, publish
from curation.stages import pool as pool_stage
from curation.stages import write as write_stage
from curation.stages.schedule import Schedule
from flows import tasks
from flows.progress import Progress
from flows.survivors import Rows, Survivors
from flows.tasks import collect
from schemas.plan import Plan
from schemas.recipe import Recipe


def shards(
    recipe: Recipe,
    made: Survivors,
    pool: pool_stage.Pool,
    plan: Plan,
    ordered: Schedule,
    work: str,
    folder: str,
    progress: Progress,
) -> list[write_stage.WrittenShard]:
    """Write every shard of the schedule, each to its final name."""
    spans = write_stage.shards_of(ordered, pool, plan, max_bytes=recipe.shards.max_bytes)
    shard_of = np.repeat(np.arange(len(spans), dtype=np.int32), [span.last - span.first for span in spans])
    partition = pool.partition[ordered.document]
    index = pool.index[ordered.document]
    with progress.stage("gather", len(made.prepared)) as advance:
        futures = []
        for number, (file, part) in enumerate(made.prepared):
            positions = np.flatnonzero(partition == number)
            if len(positions):
                futures.append(
                    (
                        number,
                        tasks.scatter_partition.submit(
                            part.documents_path,
                            storage.join(work, f"tags-{number:05d}.parquet"),
                            made.inputs[file].source,
                            number,
                            index[positions].astype(np.int64),
                            positions,
                            shard_of[positions],
                            recipe.tag_names(),
                            storage.join(work, f"run-{number:05d}.arrow"),
                        ),
                    )
                )
        runs = [path for _, path in collect(futures, advance)]
    if recipe.shards.sequence_length is not None:
        return _write_packed(recipe, spans, runs, plan, work, folder, progress)
    with progress.stage("write shards", len(spans)) as advance:
        written = [
            (
                span.number,
                tasks.write_shard.submit(
                    span.number,
                    span,
                    runs,
                    plan.phases[span.phase].name,
                    plan.phases[span.phase].by,
                    ordered.epoch[span.first : span.last],
                    plan.phases[span.phase].conditioning,
                    recipe.tag_names(),
                    recipe.shards,
                    recipe.seed,
                    folder,
                    storage.join(work, f"shard-{span.number:05d}.json"),
                ),
            )
            for span in spans
        ]
        return [shard for _, shard in collect(written, advance)]


def _write_packed(
    recipe: Recipe,
    spans: list[write_stage.ShardSpan],
    runs: list[str],
    plan: Plan,
    work: str,
    folder: str,
    progress: Progress,
) -> list[write_stage.WrittenShard]:
    """Shards of packed sequences: how many rows each has is known once all are packed, and so are positions."""
    paths = [storage.join(work, f"packed-{span.number:05d}.arrow") for span in spans]
    with progress.stage("pack shards", len(spans)) as advance:
        packing = []
        for span, path in zip(spans, paths, strict=True):
            phase = plan.phases[span.phase]
            made = tasks.pack_shard.submit(
                span.number, span, runs, phase.name, phase.by, phase.conditioning, recipe.shards, recipe.seed, path
            )
            packing.append((span.number, made))
        packed = [shard for _, shard in collect(packing, advance)]
    first = np.cumsum([0, *(shard.rows for shard in packed)]).tolist()
    with progress.stage("write shards", len(spans)) as advance:
        placing = [
            (number, tasks.place_packed.submit(number, shard, paths[number], first[number], recipe.shards, folder))
            for number, shard in enumerate(packed)
        ]
        return [shard for _, shard in collect(placing, advance)]


def ledger(
    recipe: Recipe,
    made: Survivors,
    pool: pool_stage.Pool,
    ordered: Schedule | None,
    folder: str,
    progress: Progress,
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
    """Write the ledgers; counts as written, and as the stages say. Without a schedule (an evaluation) nothing is left
    unscheduled, and nothing is remembered for later runs."""
    n = len(made.prepared)
    decisions = [deduplicate_stage.decisions_of(made.decided, number) for number in range(n)]
    scheduled: list[Rows | None] = [None] * n
    if ordered is not None:
        unscheduled = planning.not_scheduled(pool, ordered)
        taken = np.unique(ordered.document)
        for number in range(n):
            scheduled[number] = np.sort(pool.index[taken[pool.partition[taken] == number]]).astype(np.int64)
            rest = planning.as_decisions(unscheduled, pool, number)
            decisions[number] = pa.concat_tables([decisions[number], rest])
    with progress.stage("ledger", len(made.prepared)) as advance:
        futures = [
            (
                number,
                tasks.write_ledger.submit(
                    part,
                    made.inputs[index].path,
                    made.inputs[index].source,
                    number,
                    decisions[number].cast(ledger_stage.DECISIONS),
                    scheduled[number],
                    recipe.dedup,
                    folder,
                ),
            )
            for number, (index, part) in enumerate(made.prepared)
        ]
        counts = [count for _, count in collect(futures, advance)]
    said = publish.add_drops(
        *(part.dropped for part in made.parts), *(planning.counts_of(table) for table in decisions)
    )
    written = publish.add_drops(*counts)
    return ({s: dict(sorted(r.items())) for s, r in written.items() if r}, said)
