"""Earlier thoughts between the prompt and the answer, without loss.

Source: PTR, progressive thought refinement (Du et al. 2024): query, thoughts of a weak model, answer of a strong one;
loss on the answer alone (53.0 against 47.2 with loss on all). The consistency terms of its objective are not data.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import as_text
from curation.methods.formatters.plain import body
from curation.methods.formatters.segments import Column, Formatted, Lists, side_by_side
from curation.methods.formatters.values import texts_of
from schemas.formatters import Thoughts


def thoughts(documents: pa.Table, params: Thoughts, *, seed: int, phase: str) -> Formatted:
    """Prompt, thoughts (``thought``), text (``answer``); without thoughts as ``plain`` writes it."""
    texts, counts = texts_of(documents, params.thoughts)
    closed = pc.binary_join_element_wise(
        texts, pa.scalar(params.separator, pa.large_string()), pa.scalar("", pa.large_string())
    )
    before, after = answered(body(documents), pa.array(counts > 0))
    return side_by_side([*before, Lists(as_text(closed), counts, "thought", params.loss), *after])


def answered(pieces: list[Column | Lists], led: pa.BooleanArray) -> tuple[list[Column | Lists], list[Column | Lists]]:
    """The pieces of a plain document before and behind what leads to its text, which then is an answer."""
    prompts: list[Column | Lists] = [piece for piece in pieces if isinstance(piece, Column) and piece.kind == "prompt"]
    empty = pa.scalar("", pa.large_string())
    after: list[Column | Lists] = []
    for piece in pieces:
        if isinstance(piece, Lists):
            after.append(piece)
        elif piece.kind == "content":
            after.append(Column(as_text(pc.if_else(led, empty, piece.texts)), "content", True))
            after.append(Column(as_text(pc.if_else(led, piece.texts, empty)), "answer", True))
        elif piece.kind == "answer":
            after.append(piece)
    return prompts, after
