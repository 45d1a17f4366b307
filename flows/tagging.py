"""The tags and the pool of what stays: fitted where a tag needs to see everything first, then made partition by partition."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from curation import storage
from curation.stages import planning
from curation.stages import pool as pool_stage
from curation.stages.shift import shift_by_group
from flows import tasks
from flows.progress import Progress
from flows.survivors import Rows, Survivors, left
from flows.tasks import collect
from schemas.recipe import Recipe


def pool(recipe: Recipe, made: Survivors, folder: str, work: str, progress: Progress) -> pool_stage.Pool:
    """The pool, written to ``folder/pool``; the tags' tables to ``work``."""
    gone = made.gone
    states = _fitted(recipe, made, gone, progress)
    with progress.stage("tag", len(made.prepared)) as advance:
        futures = []
        for number, (index, part) in enumerate(made.prepared):
            kept = left(part, gone[number])
            futures.append(
                (
                    number,
                    tasks.tag_partition.submit(
                        part,
                        recipe,
                        made.inputs[index].source_index,
                        number,
                        kept,
                        storage.join(folder, "pool", f"{number:05d}.parquet"),
                        _tags(work, number),
                        states,
                    ),
                )
            )
        parts = [path for _, path in collect(futures, advance) if path]
    tables = [planning.read_table(path) for path in parts]
    exact = recipe.shards.tokenizer is not None
    return pool_stage.gather(tables, planning.names_needed(recipe), exact_tokens=exact)


def shift(recipe: Recipe, made: Survivors, work: str) -> list[dict[str, Any]]:
    """What duplicates took from each source and each group that the recipe mixes by, once all is tagged."""
    if not recipe.dedup.exact_kinds and not recipe.dedup.drops_alike:
        return []
    names = ["source", *sorted(planning.group_names(recipe) - {"source"})]
    tags = [_tags(work, number) for number in range(len(made.parts))]
    return shift_by_group(made.parts, made.of_source, tags, names, made.decided)


def _tags(work: str, number: int) -> str:
    """Where a partition's tags are."""
    return storage.join(work, f"tags-{number:05d}.parquet")


def _fitted(recipe: Recipe, made: Survivors, gone: list[Rows], progress: Progress) -> dict[str, pa.Table]:
    """The states of the tags that need the whole pool first, one after another: a tag may use those before it."""
    states: dict[str, pa.Table] = {}
    for name, steps in pool_stage.pool_wide_tags(recipe.tags).items():
        with progress.stage(f"fit {name}", len(made.prepared)) as advance:
            work = []
            for number, (index, part) in enumerate(made.prepared):
                source, kept = made.inputs[index].source_index, left(part, gone[number])
                partial = tasks.partial_of_partition.submit(part, recipe, source, number, kept, name, dict(states))
                work.append((number, partial))
            partials = [table for _, table in collect(work, advance) if table is not None]
        merged = steps.merge(partials, recipe.tags[name])
        states[name] = steps.fit(merged, recipe.tags[name], seed=recipe.seed, place=f"tags.{name}")
    return states
