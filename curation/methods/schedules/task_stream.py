"""Tasks one after another, with rehearsal of those before by their age (power-law rehearsal)."""

from __future__ import annotations

from curation.methods.schedules.types import ScheduleContext, phase_of
from curation.recipes.similar import nearest
from schemas.errors import RecipeError
from schemas.mixers import ExponentialRehearsal, Fixed, PowerLawRehearsal
from schemas.phases import Phase
from schemas.schedules import TaskStream


def task_stream(params: TaskStream, context: ScheduleContext) -> list[Phase]:
    """One phase a task; at stage n the tasks 1 … n take part, the newest with age 1.

    Raises RecipeError for a task that no document has, or that stands twice.
    """
    known = context.sizes(params.pool, params.by).labels
    for number, task in enumerate(params.tasks):
        if task not in known:
            raise RecipeError(f"{context.place}.tasks", f"no document has the label {task!r}{nearest(task, known)}")
        if task in params.tasks[:number]:
            raise RecipeError(f"{context.place}.tasks", f"the task {task!r} stands twice")
    return [
        phase_of(
            params,
            number + 1,
            tokens=params.tokens,
            records=params.records,
            mixture=_mixture(params, params.tasks[: number + 1]),
        )
        for number in range(len(params.tasks))
    ]


def _mixture(params: TaskStream, met: list[str]) -> PowerLawRehearsal | ExponentialRehearsal | Fixed:
    if params.rehearsal == "power_law":
        return PowerLawRehearsal(
            method="power_law_rehearsal",
            by=params.by,
            tasks=met,
            exponent=params.exponent,
            max_epochs=params.max_epochs,
        )
    if params.rehearsal == "exponential":
        return ExponentialRehearsal(
            method="exponential_rehearsal", by=params.by, tasks=met, tau=params.tau, max_epochs=params.max_epochs
        )
    return Fixed(method="fixed", by=params.by, weights={met[-1]: 1.0}, max_epochs=params.max_epochs)
