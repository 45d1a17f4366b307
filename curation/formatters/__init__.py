"""Formatters: document to text and segments. One file a method; ``FUNCTIONS`` is the registry."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.formatters.chat import chat
from curation.formatters.demonstrations import demonstrations
from curation.formatters.enumerate import enumerate
from curation.formatters.instruction import instruction
from curation.formatters.modes import modes
from curation.formatters.plain import plain
from curation.formatters.segments import Formatted
from curation.formatters.steps import steps
from curation.formatters.table import table
from curation.formatters.tags import planned_bytes as tags_bytes
from curation.formatters.tags import tags
from curation.formatters.template import planned_bytes as template_bytes
from curation.formatters.template import template
from curation.formatters.thoughts import thoughts
from schemas import formatters as models

FUNCTIONS: dict[type, Callable[..., Formatted]] = {
    models.Chat: chat,
    models.Demonstrations: demonstrations,
    models.Enumerate: enumerate,
    models.Instruction: instruction,
    models.Modes: modes,
    models.Plain: plain,
    models.Steps: steps,
    models.Table: table,
    models.Tags: tags,
    models.Template: template,
    models.Thoughts: thoughts,
}
"""(documents, params, seed, phase) to texts and segments."""


def _no_bytes(columns: pa.Table, params: models.Plain) -> npt.NDArray[np.int64]:
    return np.zeros(len(columns), dtype=np.int64)


PLANNED_BYTES: dict[type, Callable[..., npt.NDArray[np.int64] | None]] = {
    models.Plain: _no_bytes,
    models.Tags: tags_bytes,
    models.Template: template_bytes,
}
"""Formatters whose length is known while planning: (pool columns, params) to the bytes added, int64[n]."""


def render(documents: pa.Table, conditioning: models.Conditioning | None, *, seed: int, phase: str) -> Formatted:
    """Documents as they are trained on; without conditioning as ``plain`` writes them.

    documents: text, prompt, id, url, date, language, quality, source and tags, by their names. Raises RecipeError
    for a name that there is not.
    """
    if conditioning is None:
        return plain(documents, None, seed=seed, phase=phase)
    return FUNCTIONS[type(conditioning)](documents, conditioning, seed=seed, phase=phase)


def planned_bytes(columns: pa.Table, conditioning: models.Conditioning) -> npt.NDArray[np.int64] | None:
    """UTF-8 bytes that conditioning adds to each plain document: int64[n], or None where only writing can tell.

    columns: what the pool knows, by name (text is not among them).
    """
    function = PLANNED_BYTES.get(type(conditioning))
    return None if function is None else function(columns, conditioning)
