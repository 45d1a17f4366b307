"""A rising bound on a metric over training steps (DeepSpeed data efficiency, curriculum_scheduler.py)."""

from __future__ import annotations

import math
from itertools import groupby

from curation.methods.schedules.types import ScheduleContext, phase_of, then
from schemas.phases import Phase
from schemas.schedules import Difficulty
from schemas.selectors import Threshold, Top


def difficulty(params: Difficulty, context: ScheduleContext) -> list[Phase]:
    """One phase for each difficulty, steps · batch_size documents long, drawn alike from all documents up to it.

    A pool that is smaller than its phase is read again.
    """
    steps = groupby(range(1, params.steps + 1), key=lambda step: at_step(params, step))
    phases = []
    for number, (bound, run) in enumerate(steps):
        phases.append(
            phase_of(
                params,
                number + 1,
                records=len(list(run)) * params.batch_size,
                pool=then(params.pool, _up_to(params, bound)),
                mixture=None,
            )
        )
    return phases


def at_step(params: Difficulty, step: int) -> float:
    """The difficulty of a training step, counted from 1; as published, with its rounding."""
    if params.schedule == "discrete":
        for bound, last in zip(params.difficulties, params.max_step, strict=False):
            if step <= last:
                return bound
        return params.difficulties[-1]
    degree = params.root_degree if params.schedule == "root" else 1.0
    reached = (step / params.total_steps) ** (1 / degree)
    value = math.floor(reached * (params.max - params.min) + params.min)
    return min(value - value % params.difficulty_step, params.max)


def _up_to(params: Difficulty, bound: float) -> Threshold | Top:
    if params.percentile:
        return Top(method="top", by=params.by, percentile=int(min(max(bound, 0), 100)), highest=False)
    return Threshold(method="threshold", by=params.by, max=bound)
