"""Definition and examples of the task around the prompt, loss on the answer alone.

Source: In-BoXBART (Parmar et al. 2022), figure of the prompt; the repository has the templates' JSON only, so that the
white space is a reading. What is too long loses examples from the end, never the instance.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import as_text
from curation.methods.formatters.plain import PROMPT_END, body
from curation.methods.formatters.segments import Column, Formatted, Int, side_by_side
from curation.methods.formatters.values import named
from schemas.formatters import Instruction, Task

INSTANCE = "; Instance: input: "
CLOSING = ", output: ?"


def instruction(documents: pa.Table, params: Instruction, *, seed: int, phase: str) -> Formatted:
    """The instruction (``prompt``), then the answer (``answer``); a document of another task, or without a prompt, as
    ``plain`` writes it."""
    n = len(documents)
    names = list(params.tasks)
    if params.by is None:
        which = np.zeros(n, dtype=np.int64)
    else:
        labels = named(documents, params.by).cast(pa.string())
        which = np.asarray(pc.fill_null(pc.index_in(labels, value_set=pa.array(names)), -1), dtype=np.int64)
    prompts = as_text(documents["prompt"])
    which = np.where(np.asarray(pc.binary_length(prompts)) > 0, which, -1)
    room = np.full(n, np.iinfo(np.int64).max)
    if params.max_chars is not None:
        room = params.max_chars - np.asarray(pc.utf8_length(prompts), dtype=np.int64)
    starts = as_text(_starts([params.tasks[name] for name in names], which, room))
    asked = pa.array(which >= 0)
    around = pc.binary_join_element_wise(
        starts, prompts, pa.scalar(CLOSING, pa.large_string()), PROMPT_END, pa.scalar("", pa.large_string())
    )
    pieces = body(documents)
    if pieces[0].kind == "prompt":
        pieces[0] = Column(as_text(pc.if_else(asked, around, pieces[0].texts)), "prompt", False)
    return side_by_side(pieces)


def _starts(tasks: list[Task], which: Int, room: Int) -> pa.LargeStringArray:
    """What stands before each instance, with as many examples as there is room for; empty for no task."""
    shown: list[str] = [""]
    chosen = np.zeros(len(which), dtype=np.int64)
    for number, task in enumerate(tasks):
        texts = [start_of(task, k) for k in range(len(task.examples) + 1)]
        lengths = np.array([len(text) + len(CLOSING) for text in texts])
        most = np.searchsorted(lengths, room, side="right") - 1  # lengths ascend with the examples
        chosen = np.where(which == number, len(shown) + np.maximum(most, 0), chosen)
        shown += texts
    return pa.array(shown, pa.large_string()).take(pa.array(chosen))


def start_of(task: Task, examples: int) -> str:
    """What stands before the instance, with the task's first ``examples`` examples."""
    text = f"Instruction: Definition: {task.definition}"
    if examples:
        shown = "".join(
            f"[input: {e.input}, output: {e.output}, explanation: {e.explanation}] " for e in task.examples[:examples]
        )
        text += f", Positive Examples: [{shown}]"
    return text + INSTANCE
