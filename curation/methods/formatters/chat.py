"""Prompt and answer, or the turns of a record, as turns of a chat; loss on the assistant's turns and their ends.

Source: TÜLU 3 (Lambert et al. 2024), chat template of open-instruct, whose markers are the default; or any Hugging Face
chat template (``chat_template.py``).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import turns
from curation.arrays.arrow_text import as_text
from curation.methods.formatters.chat_template import by_template
from curation.methods.formatters.plain import in_turns
from curation.methods.formatters.segments import Column, Formatted, Lists, side_by_side
from schemas.formatters import Chat

_EMPTY = pa.scalar("", pa.large_string())


def chat(documents: pa.Table, params: Chat, *, seed: int, phase: str) -> Formatted:
    """An instruction: system and user turn and the assistant's header (``prompt``), then the text and the end of turn
    (``answer``). A record: its turns, each a segment of its role; a prompt that is verified ends with the assistant's header.
    """
    if params.template is not None or params.tokenizer is not None:
        return by_template(documents, params)
    pieces: list[Column | Lists] = []
    records = pa.array(np.zeros(len(documents), dtype=bool))
    if turns.there(documents):
        records = pc.is_valid(documents["turns"]).combine_chunks()
        pieces = _record(documents, params, records)
    prompts = as_text(documents["prompt"])
    asked = pc.not_equal(prompts, _EMPTY)
    system = f"{params.system_start}{params.system}{params.turn_end}" if params.system else ""
    user = pc.binary_join_element_wise(
        pa.scalar(params.user_start, pa.large_string()), prompts, pa.scalar(params.turn_end, pa.large_string()), _EMPTY
    )
    headers = pc.binary_join_element_wise(
        pa.scalar(system, pa.large_string()),
        pc.if_else(asked, user, _EMPTY),
        pa.scalar(params.assistant_start, pa.large_string()),
        _EMPTY,
    )
    answers = pc.binary_join_element_wise(
        as_text(documents["text"]), pa.scalar(params.answer_end, pa.large_string()), _EMPTY
    )
    headers, answers = (as_text(pc.if_else(records, _EMPTY, texts)) for texts in (headers, answers))
    return side_by_side([Column(headers, "prompt", False), Column(answers, "answer", True), *pieces])


def _record(documents: pa.Table, params: Chat, records: pa.BooleanArray) -> list[Column | Lists]:
    """The turns of records, after a system turn where they have none, and the assistant's header where it is to answer."""
    starts = {
        "system": params.system_start,
        "user": params.user_start,
        "assistant": params.assistant_start,
        "tool": params.tool_start,
    }

    def written(role: str, last: bool) -> tuple[str, str, str]:
        if role == "assistant":
            return starts[role], params.answer_end, "" if last else params.turn_end
        return starts[role], params.turn_end, ""

    first, last = turns.first_and_last_roles(documents)
    lacks = pc.and_(records, pc.not_equal(first, "system")) if params.system else pa.array([False] * len(documents))
    system = f"{params.system_start}{params.system}{params.turn_end}"
    asks = pc.and_(pc.is_valid(documents["ground_truth"]).combine_chunks(), pc.not_equal(last, "assistant"))
    return [
        Column(as_text(pc.if_else(lacks, system, _EMPTY)), "system", False),
        in_turns(documents, written),
        Column(as_text(pc.if_else(asks, params.assistant_start, _EMPTY)), "assistant", False),
    ]
