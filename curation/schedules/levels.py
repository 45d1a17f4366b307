"""Curricula over levels: single, cumulative, sliding.

Source: emergent mechanisms for long timescales (single-head and multi-head curricula). Its loss sums over the active
levels, hence equal weights; it promotes by accuracy, here a fixed number of rounds does.
"""

from __future__ import annotations

from schemas.mixers import Fixed
from schemas.phases import Phase
from schemas.schedules import Levels


def levels(params: Levels) -> list[Phase]:
    """One phase a round; its pool is the active levels."""
    count = len(params.levels)
    rounds = params.rounds if params.rounds is not None else -(-(count - params.start) // params.step) + 1
    return [_round(params, number, min(params.start + number * params.step, count)) for number in range(rounds)]


def active(params: Levels, reached: int) -> list[str]:
    """The levels that take part once ``reached`` levels are: at least one."""
    first = {"single": reached - 1, "cumulative": 0, "sliding": max(reached - params.window, 0)}[params.active]
    return params.levels[first:reached]


def _round(params: Levels, number: int, reached: int) -> Phase:
    labels = active(params, reached)
    weights = dict.fromkeys(labels, 1 / len(labels))
    where = {**params.pool.where, params.by: list[str | float | None](labels)}
    return Phase(
        name=f"{params.name}-{number + 1}",
        tokens=params.tokens,
        records=params.records,
        pool=params.pool.model_copy(update={"where": where}),
        mixture=Fixed(method="fixed", by=params.by, weights=weights, max_epochs=params.max_epochs),
        order=params.order,
        conditioning=params.conditioning,
    )
