"""Rounds that wait for a loss report: a run plans one round; the next reads what the trainer said of those before."""

from __future__ import annotations

from curation.methods.schedules.types import ScheduleContext, phase_of
from schemas.errors import RecipeError
from schemas.phases import Phase
from schemas.schedules import Rounds


def rounds(params: Rounds, context: ScheduleContext) -> list[Phase]:
    """The phase of the next round, named by its number as the report counts them: from 0. Raises RecipeError when all rounds are done."""
    done = context.losses.rounds() if context.losses is not None else 0
    if done >= params.rounds:
        raise RecipeError(
            f"{context.place}.rounds",
            f"the loss report tells of {done} rounds of {params.rounds}: all are done; raise rounds to go on",
        )
    return [
        phase_of(
            params,
            done,
            tokens=params.tokens,
            records=params.records,
            mixture=params.mixture,
            fresh=params.fresh,
        )
    ]
