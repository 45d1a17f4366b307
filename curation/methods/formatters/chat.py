"""Prompt and answer as turns of a chat, loss on the answer and its end.

Source: TÜLU 3 (Lambert et al. 2024), chat template of open-instruct.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import as_text
from curation.methods.formatters.segments import Column, Formatted, side_by_side
from schemas.formatters import Chat


def chat(documents: pa.Table, params: Chat, *, seed: int, phase: str) -> Formatted:
    """System and user turn and the assistant's header (``prompt``), then the text and the end of turn (``answer``)."""
    empty = pa.scalar("", pa.large_string())
    prompts = as_text(documents["prompt"])
    asked = pc.not_equal(prompts, empty)
    system = f"{params.system_start}{params.system}{params.turn_end}" if params.system else ""
    user = pc.binary_join_element_wise(
        pa.scalar(params.user_start, pa.large_string()), prompts, pa.scalar(params.turn_end, pa.large_string()), empty
    )
    headers = pc.binary_join_element_wise(
        pa.scalar(system, pa.large_string()),
        pc.if_else(asked, user, empty),
        pa.scalar(params.assistant_start, pa.large_string()),
        empty,
    )
    answers = pc.binary_join_element_wise(
        as_text(documents["text"]), pa.scalar(params.answer_end, pa.large_string()), empty
    )
    return side_by_side([Column(as_text(headers), "prompt", False), Column(as_text(answers), "answer", True)])
