"""The text alone, after its prompt where it has one."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import as_text
from curation.methods.formatters.segments import Column, Formatted, side_by_side
from schemas.formatters import Plain

PROMPT_END = pa.scalar("\n\n", pa.large_string())
"""Stands between prompt and response, and belongs to the prompt."""
_EMPTY = pa.scalar("", pa.large_string())


def plain(documents: pa.Table, params: Plain | None, *, seed: int, phase: str) -> Formatted:
    """Prompt and a blank line (loss where ``prompt_loss`` is set), then the response (``answer``); or the text
    (``content``) without a prompt."""
    pieces = body(documents)
    if params is not None and params.prompt_loss:
        pieces = [Column(piece.texts, piece.kind, True) for piece in pieces]
    return side_by_side(pieces)


def body(documents: pa.Table) -> list[Column]:
    """The pieces every formatter ends with: prompt, content (documents without a prompt), answer (those with one)."""
    texts = as_text(documents["text"])
    if "prompt" not in documents.column_names or documents["prompt"].null_count == len(documents):
        return [Column(texts, "content", True)]
    prompts = as_text(documents["prompt"])
    asked = pc.not_equal(prompts, _EMPTY)
    prompts = as_text(pc.if_else(asked, pc.binary_join_element_wise(prompts, PROMPT_END, _EMPTY), prompts))
    return [
        Column(prompts, "prompt", False),
        Column(as_text(pc.if_else(asked, _EMPTY, texts)), "content", True),
        Column(as_text(pc.if_else(asked, texts, _EMPTY)), "answer", True),
    ]
