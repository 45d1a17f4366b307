"""Rounds of which a share goes to the notebook: what was wrong in those before."""

from __future__ import annotations

from curation.methods.groupers.notebook import IN, REST
from curation.methods.schedules.rounds import done_of
from curation.methods.schedules.types import ScheduleContext, phase_of
from schemas.mixers import Fixed
from schemas.phases import Phase
from schemas.schedules import NotebookRounds


def notebook(params: NotebookRounds, context: ScheduleContext) -> list[Phase]:
    """The phase of the next round; with an empty notebook all of it is the rest. Raises RecipeError when all rounds are done."""
    done = done_of(params.rounds, context)
    labels = context.sizes(params.pool, params.by).labels
    shares = {IN: params.share, REST: 1 - params.share} if IN in labels and REST in labels else {labels[0]: 1.0}
    mixture = Fixed(
        method="fixed", by=params.by, weights=dict(shares), exhausted="redistribute", max_epochs=params.max_epochs
    )
    return [phase_of(params, done, tokens=params.tokens, records=params.records, mixture=mixture)]
