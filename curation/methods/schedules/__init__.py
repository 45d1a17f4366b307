"""Schedules: one recipe entry to plain phases. One file a method; ``FUNCTIONS`` is the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curation.methods.schedules.amounts import amounts
from curation.methods.schedules.cyclical import cyclical
from curation.methods.schedules.difficulty import difficulty
from curation.methods.schedules.learning_curve import learning_curve
from curation.methods.schedules.levels import levels
from curation.methods.schedules.notebook import notebook
from curation.methods.schedules.pacing import pacing
from curation.methods.schedules.rounds import rounds
from curation.methods.schedules.skill_curriculum import skill_curriculum
from curation.methods.schedules.stream import stream
from curation.methods.schedules.subset_epochs import subset_epochs
from curation.methods.schedules.task_stream import task_stream
from curation.methods.schedules.types import ScheduleContext
from schemas import schedules as models
from schemas.phases import Phase

__all__ = ["FUNCTIONS", "ScheduleContext", "expand"]

FUNCTIONS: dict[type, Callable[..., list[Phase]]] = {
    models.Levels: levels,
    models.SubsetEpochs: subset_epochs,
    models.Cyclical: cyclical,
    models.Pacing: pacing,
    models.Difficulty: difficulty,
    models.SkillCurriculum: skill_curriculum,
    models.TaskStream: task_stream,
    models.Stream: stream,
    models.Rounds: rounds,
    models.NotebookRounds: notebook,
    models.LearningCurve: learning_curve,
    models.Amounts: amounts,
}
"""(entry, context) to plain phases, in training order."""


def expand(entry: Any, context: ScheduleContext) -> list[Phase]:
    """The plain phases of an entry of ``phases``. Raises RecipeError naming the place."""
    return [entry] if isinstance(entry, Phase) else FUNCTIONS[type(entry)](entry, context)
