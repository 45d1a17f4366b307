"""Formatters: document to text and segments. One file a method; ``FUNCTIONS`` is the registry."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from curation.methods.formatters.budgets import budgets
from curation.methods.formatters.chat import chat
from curation.methods.formatters.demonstrations import demonstrations
from curation.methods.formatters.enumerate import enumerate
from curation.methods.formatters.experience import experience
from curation.methods.formatters.instruction import instruction
from curation.methods.formatters.masked import masked
from curation.methods.formatters.modes import modes
from curation.methods.formatters.plain import plain
from curation.methods.formatters.segments import Formatted
from curation.methods.formatters.steps import steps
from curation.methods.formatters.table import table
from curation.methods.formatters.tags import tags
from curation.methods.formatters.template import template
from curation.methods.formatters.thoughts import thoughts
from curation.methods.formatters.timeline import timeline
from schemas import formatters as models

FUNCTIONS: dict[type, Callable[..., Formatted]] = {
    models.Budgets: budgets,
    models.Chat: chat,
    models.Demonstrations: demonstrations,
    models.Enumerate: enumerate,
    models.Experience: experience,
    models.Instruction: instruction,
    models.Masked: masked,
    models.Modes: modes,
    models.Plain: plain,
    models.Steps: steps,
    models.Table: table,
    models.Tags: tags,
    models.Template: template,
    models.Thoughts: thoughts,
    models.Timeline: timeline,
}
"""(documents, params, seed, phase) to texts and segments."""


DRAW_LOTS: frozenset[type] = frozenset({models.Modes, models.Steps})
"""Formatters that draw for each document of a phase."""
MAY_REFUSE: frozenset[type] = frozenset({models.Budgets, models.Chat, models.Experience, models.Timeline})
"""Formatters that do not write every document."""


def render(documents: pa.Table, conditioning: models.Conditioning | None, *, seed: int, phase: str) -> Formatted:
    """Documents as they are trained on; without conditioning as ``plain`` writes them.

    documents: text, prompt, id, url, date, language, quality, source and tags, by their names. Raises RecipeError
    for a name that there is not.
    """
    if conditioning is None:
        return plain(documents, None, seed=seed, phase=phase)
    return FUNCTIONS[type(conditioning)](documents, conditioning, seed=seed, phase=phase)
