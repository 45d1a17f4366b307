"""The text alone, after its prompt where it has one; a record that is made of turns as its turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation import turns
from curation.arrays.arrow_text import as_text
from curation.methods.formatters.segments import Column, Formatted, Lists, side_by_side
from schemas.formatters import Plain
from schemas.tables import SEGMENT_KINDS

PROMPT_END = pa.scalar("\n\n", pa.large_string())
"""Stands between prompt and response, and belongs to the prompt."""
_EMPTY = pa.scalar("", pa.large_string())


def plain(documents: pa.Table, params: Plain | None, *, seed: int, phase: str) -> Formatted:
    """Prompt and a blank line (loss where ``prompt_loss`` is set), then the response (``answer``); or the text
    (``content``) without a prompt."""
    pieces = body(documents)
    if params is not None and params.prompt_loss:
        pieces = [replace(piece, loss=True) for piece in pieces]
    return side_by_side(pieces)


def body(documents: pa.Table) -> list[Column | Lists]:
    """The pieces every formatter ends with: prompt, content (documents without a prompt), answer (those with one), and the
    turns of a record that is made of them."""
    texts = as_text(documents["text"])
    spoken: list[Column | Lists] = []
    if turns.there(documents):
        spoken = [in_turns(documents)]
        texts = as_text(pc.if_else(pc.is_valid(documents["turns"]), _EMPTY, texts))
    if "prompt" not in documents.column_names or documents["prompt"].null_count == len(documents):
        return [Column(texts, "content", True), *spoken]
    prompts = as_text(documents["prompt"])
    asked = pc.not_equal(prompts, _EMPTY)
    prompts = as_text(pc.if_else(asked, pc.binary_join_element_wise(prompts, PROMPT_END, _EMPTY), prompts))
    return [
        Column(prompts, "prompt", False),
        Column(as_text(pc.if_else(asked, _EMPTY, texts)), "content", True),
        Column(as_text(pc.if_else(asked, texts, _EMPTY)), "answer", True),
        *spoken,
    ]


def in_turns(documents: pa.Table, written: Callable[[str, bool], tuple[str, str, str]] | None = None) -> Lists:
    """The turns of records as pieces: what stands before, the turn, what stands behind; a turn without loss is one piece.

    written: of (role, is the record's last) to what stands before a turn, what closes it with its loss, and what stands behind it
    without; a blank line between turns by default. Loss is on the assistant's turns, or where a turn has a weight.
    """
    around = written if written is not None else lambda role, last: ("", "", "" if last else turns.BETWEEN)
    texts, counts = turns.said(documents)
    roles, weights, _ = turns.marks(documents)
    coded = roles.dictionary_encode()
    names = coded.dictionary.to_pylist()
    role = np.asarray(coded.indices, dtype=np.int64)
    last = np.zeros(len(role), dtype=np.int64)
    last[np.cumsum(counts)[counts > 0] - 1] = 1
    assistant = np.array([name == "assistant" for name in names], dtype=bool)[role]
    loss = np.where(np.isnan(weights), assistant, weights).astype(np.float32)
    known = [around(name, bool(end)) for name in names for end in (0, 1)]
    before, close, behind = (pa.array([one[k] for one in known], pa.large_string()) for k in range(3))
    which = pa.array(role * 2 + last)
    ends = pc.binary_join_element_wise(texts, close.take(which), _EMPTY)
    whole = pc.binary_join_element_wise(before.take(which), ends, behind.take(which), _EMPTY)
    trained = pa.array(loss > 0)
    pieces = [
        as_text(pc.if_else(trained, before.take(which), _EMPTY)),
        as_text(pc.if_else(trained, ends, whole)),
        as_text(pc.if_else(trained, behind.take(which), _EMPTY)),
    ]
    order = np.arange(3 * len(role)).reshape(3, -1).T.reshape(-1)
    kinds = np.array([SEGMENT_KINDS.index(name) for name in names], dtype=np.int8)[role]
    losses = np.zeros((len(role), 3), dtype=np.float32)
    losses[:, 1] = loss
    return Lists(
        as_text(pa.concat_arrays(pieces).take(pa.array(order))), counts * 3, np.repeat(kinds, 3), losses.reshape(-1)
    )
