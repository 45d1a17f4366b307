"""Pools and contexts for the tests of schedules."""

from __future__ import annotations

from typing import Any

import numpy as np

from curation.methods.mixers import Sizes
from curation.methods.schedules import ScheduleContext
from curation.mixture import planning
from curation.mixture.plan import Feedback, Groups
from curation.mixture.pool import Labels, Pool
from curation.mixture.schedule import Schedule
from schemas.phases import Phase
from schemas.phases import Pool as PoolFilter
from schemas.plan import Plan
from schemas.recipe import Recipe


def context(means: dict[str, float] | None = None, **documents: int) -> ScheduleContext:
    """A context of groups with these documents, ten tokens each."""

    def sizes(pool: PoolFilter, by: str | None) -> Sizes:
        labels = sorted(documents)
        counts = np.array([documents[label] for label in labels], dtype=np.int64)
        if by is None:
            return Sizes(("(all)",), np.array([counts.sum()]), np.array([counts.sum() * 10]))
        return Sizes(tuple(labels), counts, counts * 10)

    return ScheduleContext(sizes, lambda pool, by, score: means or {})


def _nothing(phase: Phase, place: str, by: str | None) -> Sizes:
    return Sizes((), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


CONTEXT = context()
NO_GROUPS = Groups(_nothing, lambda pool, by, score: {})


def pool(n: int = 400, *, seed: int = 0, tokens: int = 10, **columns: Any) -> Pool:
    """n documents of ten tokens; a column of texts becomes labels, one of numbers floats."""
    draw = np.random.default_rng(seed)
    made: dict[str, Any] = {}
    for name, values in columns.items():
        if isinstance(values[0], str):
            names = tuple(sorted(set(values)))
            made[name] = Labels(np.array([names.index(v) for v in values], dtype=np.int32), names)
        else:
            made[name] = np.array(values, dtype=np.float64)
    return Pool(
        ids=draw.integers(0, 2**63, (n, 2)).astype(np.uint64),
        partition=np.zeros(n, dtype=np.int32),
        index=np.arange(n, dtype=np.int32),
        bytes_=np.full(n, 4 * tokens),
        tokens=np.full(n, tokens),
        columns=made,
    )


def planned(
    documents: Pool, phases: list[dict[str, Any]], feedback: Feedback | None = None, **recipe: Any
) -> tuple[Plan, Schedule]:
    """The plan and schedule of these phases; tags are the pool's columns."""
    tags = {name: {"from": "column", "column": name} for name in documents.columns if name != "source"}
    plain = {"name": "x", "sources": [{"name": "s", "paths": ["s.jsonl"]}], "tags": tags, "mixture": None}
    made = Recipe.model_validate({**plain, "phases": phases, **recipe})
    planning.check_names(made)
    return planning.plan_and_schedule(made, documents, feedback or Feedback())
