"""What schedules may ask while they expand: the groups of a pool, and what the trainer reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from curation.methods.losses import LossReport
from curation.methods.mixers import Sizes
from schemas.phases import Phase, Pool
from schemas.schedules import Entry


@dataclass(frozen=True)
class ScheduleContext:
    """sizes: (pool, by or None) to its groups. means: (pool, by, score) to the mean score of each label."""

    sizes: Callable[[Pool, str | None], Sizes]
    means: Callable[[Pool, str, str], dict[str, float]]
    losses: LossReport | None = None
    seed: int = 0
    place: str = "phases[0]"


def within(pool: Pool, by: str, labels: list[str]) -> Pool:
    """The pool with only these labels, besides its own filters."""
    return pool.model_copy(update={"where": {**pool.where, by: list[str | float | None](labels)}})


def phase_of(entry: Entry, number: int | None = None, **fields: Any) -> Phase:
    """A phase of the entry, named after it and its number, with its pool, order and format but for ``fields``."""
    name = entry.name if number is None else f"{entry.name}-{number}"
    own = {"pool": entry.pool, "order": entry.order, "conditioning": entry.conditioning}
    return Phase(name=name, **{**own, **fields})


def then(pool: Pool, selector: object) -> Pool:
    """The pool with one more selector, after its own."""
    return pool.model_copy(update={"select": [*pool.select, selector]})
