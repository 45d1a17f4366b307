"""Rounds that wait for a loss report: a run plans one round; the next reads what the trainer said of those before."""

from __future__ import annotations

from curation.methods.schedules.types import ScheduleContext, phase_of
from schemas.errors import RecipeError
from schemas.phases import Phase
from schemas.schedules import Rounds


def rounds(params: Rounds, context: ScheduleContext) -> list[Phase]:
    """The phase of the next round, named by its number as the report counts them: from 0. Raises RecipeError when all rounds are done."""
    done = done_of(params.rounds, context)
    pool = params.later if params.later is not None and done else params.pool
    if params.parts is not None:
        part = params.parts.model_copy(update={"part": params.parts.part + done})
        pool = pool.model_copy(update={"select": [part, *pool.select]})
    return [
        phase_of(
            params,
            done,
            pool=pool,
            tokens=params.tokens,
            records=params.records,
            epochs=params.epochs,
            mixture=params.mixture,
            fresh=params.fresh,
        )
    ]


def done_of(rounds: int, context: ScheduleContext) -> int:
    """Rounds that the report tells of. Raises RecipeError when that is all."""
    done = context.losses.rounds() if context.losses is not None else 0
    if done >= rounds:
        raise RecipeError(
            f"{context.place}.rounds",
            f"the loss report tells of {done} rounds of {rounds}: all are done; raise rounds to go on",
        )
    return done
