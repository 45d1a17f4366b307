"""Pacing functions: each round draws from a growing prefix of the sorted documents.

Sources: Skill-It's curriculum baseline (linear, log: dataset code), Platanios et al. 2019 (root: competence).
"""

from __future__ import annotations

import math

from curation.methods.schedules.types import ScheduleContext, phase_of, then
from schemas.phases import Phase
from schemas.schedules import Pacing
from schemas.selectors import Top, WeightedDraw


def pacing(params: Pacing, context: ScheduleContext) -> list[Phase]:
    """One phase a round: ``records`` documents without replacement from the prefix, or the whole of a smaller one."""
    have = int(context.sizes(params.pool, None).documents.sum())
    phases = []
    for number in range(1, params.rounds + 1):
        first = Top(
            method="top", by=params.by, documents=min(prefix(params, number), have), highest=params.hardest_first
        )
        draw = WeightedDraw(method="weighted_draw", documents=params.records)
        phases.append(
            phase_of(
                params,
                number,
                epochs=1,
                pool=then(then(params.pool, first), draw),
                mixture=None,
            )
        )
    return phases


def prefix(params: Pacing, number: int) -> int:
    """Documents of the prefix in round ``number``, from 1; N = rounds · records at most."""
    n, r = params.rounds * params.records, params.rounds
    if params.shape == "linear":
        size = params.records * number
    elif params.shape == "log":
        grown = 1 + 0.1 * math.log(number / (params.a * r) + math.exp(-10))
        size = int(n * params.b + (1 - params.b) * n * grown)
    else:
        size = int(n * (params.b**params.degree + (1 - params.b**params.degree) * number / r) ** (1 / params.degree))
    return max(0, min(size, n))
