"""Curricula over levels: single, cumulative, sliding.

Source: emergent mechanisms for long timescales (single-head and multi-head curricula). Its loss sums over the active
levels, hence equal weights; levels are added when the mean accuracy and that of the newest are above 98 %, or, here by
default, each round.
"""

from __future__ import annotations

from curation.methods.schedules.types import ScheduleContext, phase_of, within
from schemas.errors import RecipeError
from schemas.mixers import Fixed
from schemas.phases import Phase
from schemas.schedules import Levels


def levels(params: Levels, context: ScheduleContext) -> list[Phase]:
    """One phase a round; its pool is the active levels. With promotion by accuracy: the phase of the next round.

    Raises RecipeError for a report without accuracies of the active levels, and when all rounds are done.
    """
    count = len(params.levels)
    if params.promote_above is not None and params.rounds is not None:
        number, reached = promoted(params, context)
        if number >= params.rounds:
            raise RecipeError(f"{context.place}.rounds", f"all {params.rounds} rounds of {params.name!r} are done")
        return [_round(params, number, reached)]
    rounds = params.rounds if params.rounds is not None else -(-(count - params.start) // params.step) + 1
    return [_round(params, number, min(params.start + number * params.step, count)) for number in range(rounds)]


def active(params: Levels, reached: int) -> list[str]:
    """The levels that take part once ``reached`` levels are: at least one."""
    first = {"single": reached - 1, "cumulative": 0, "sliding": max(reached - params.window, 0)}[params.active]
    return params.levels[first:reached]


def promoted(params: Levels, context: ScheduleContext) -> tuple[int, int]:
    """Rounds that are done, and the levels reached after them."""
    reached = params.start
    if context.losses is None:
        return 0, reached
    rounds = context.losses.rounds()
    for number in range(rounds):
        report = context.losses.until_round(number)
        accuracies = report.by_checkpoint("accuracy", active(params, reached), besides=params.levels)[-1]
        if accuracies.mean() > (params.promote_above or 0) and accuracies[-1] > (params.promote_above or 0):
            reached = min(reached + params.step, len(params.levels))
    return rounds, reached


def _round(params: Levels, number: int, reached: int) -> Phase:
    labels = active(params, reached)
    weights = dict.fromkeys(labels, 1 / len(labels))
    return phase_of(
        params,
        number + 1,
        tokens=params.tokens,
        records=params.records,
        pool=within(params.pool, params.by, labels),
        mixture=Fixed(method="fixed", by=params.by, weights=weights, max_epochs=params.max_epochs),
    )
