"""Records that are made of turns: their text, the conversation that a phase writes, and their id.

A table of documents has the columns of ``RECORD`` where it holds such records; they are null for the documents that are
none. What a turn says is its content and its tool calls; ``text`` is all turns (of a preference those of the chosen
conversation), joined by blank lines.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

from curation.arrays.arrow_text import as_text
from curation.arrays.columns import whole, with_column
from schemas.tables import RECORD

SHARED, CHOSEN, REJECTED = 0, 1, 2
"""Parts of a record."""
BETWEEN = "\n\n"
COLUMNS: list[str] = RECORD.names
_EMPTY = pa.scalar("", pa.large_string())
Who = Literal["all", "user", "assistant"]
Mask = npt.NDArray[np.bool_]


def there(documents: pa.Table) -> bool:
    """Whether a table has such records at all."""
    return "turns" in documents.column_names and documents["turns"].null_count < len(documents)


def said(documents: pa.Table) -> tuple[pa.LargeStringArray, npt.NDArray[np.int64]]:
    """What each turn says, large_string[m] in document order, and how many each document has, int64[n]."""
    contents, calls = (as_text(whole(documents[name]).flatten()) for name in ("turns", "calls"))
    both = np.asarray(pc.and_(pc.not_equal(contents, _EMPTY), pc.not_equal(calls, _EMPTY)))
    between = pc.if_else(pa.array(both), pa.scalar("\n", pa.large_string()), _EMPTY)
    texts = as_text(pc.binary_join_element_wise(contents, between, calls, _EMPTY)) if len(contents) else contents
    return texts, np.asarray(pc.fill_null(pc.list_value_length(whole(documents["turns"])), 0), dtype=np.int64)


def marks(documents: pa.Table) -> tuple[pa.Array, npt.NDArray[np.float32], npt.NDArray[np.int8]]:
    """Of each turn its role, its weight (NaN: the role's own) and its part."""
    flat = whole(documents["marks"]).flatten()
    role, weight, part = (flat.field(number) for number in range(3))
    return role, np.asarray(pc.fill_null(weight, float("nan")), dtype=np.float32), np.asarray(part, dtype=np.int8)


def with_text(documents: pa.Table, who: Who = "all") -> pa.Table:
    """The documents with ``text`` made of their turns: all, or the user's or the assistant's; a record that has none of
    those is all of its turns."""
    if not there(documents):
        return documents
    role, _, part = marks(documents)
    taken = part != REJECTED
    if who != "all":
        mine = taken & np.asarray(pc.equal(role, who))
        rows = _rows(documents)
        some = np.bincount(rows, weights=mine, minlength=len(documents)) > 0
        taken = np.where(some[rows], mine, taken)
    return _with_text(documents, taken)


def conversation(documents: pa.Table, side: Literal["chosen", "rejected"] = "chosen") -> pa.Table:
    """The documents with the turns of one conversation alone, and its text: of a preference the chosen or the rejected one."""
    if not there(documents):
        return documents
    _, _, part = marks(documents)
    taken = part != (REJECTED if side == "chosen" else CHOSEN)
    if not taken.all():
        kept, rows = pa.array(taken), _rows(documents)
        sizes = np.bincount(rows, weights=taken, minlength=len(documents)).astype(np.int64)
        offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]), pa.int32())
        for name in ("turns", "calls", "marks"):
            column = whole(documents[name])
            lists = pa.ListArray.from_arrays(offsets, column.flatten().filter(kept), mask=pc.is_null(column))
            documents = with_column(documents, name, lists.cast(column.type))
    return _with_text(documents, np.ones(int(taken.sum()), dtype=bool))


def _with_text(documents: pa.Table, taken: Mask) -> pa.Table:
    """With the turns that are taken as the text of each record."""
    texts, _ = said(documents)
    rows = _rows(documents)[taken]
    offsets = np.searchsorted(rows, np.arange(len(documents) + 1))
    lists = pa.LargeListArray.from_arrays(pa.array(offsets), texts.filter(pa.array(taken)))
    joined = as_text(pc.binary_join(lists, pa.scalar(BETWEEN, pa.large_string())))
    made = pc.if_else(pc.is_valid(whole(documents["turns"])), joined, as_text(documents["text"]))
    return with_column(documents, "text", as_text(made))


def record_ids(documents: pa.Table) -> pa.Array:
    """32 hex digits a record: BLAKE3, its first 128 bits, of every turn with its role, weight and part, and of what it is
    verified by. Each piece goes with its length, so that no two records meet."""
    contents, calls = (as_text(whole(documents[name]).flatten()) for name in ("turns", "calls"))
    role, weight, part = marks(documents)
    sizes = np.asarray(pc.fill_null(pc.list_value_length(whole(documents["turns"])), 0), dtype=np.int64)
    ids, at = [], 0
    roles, weights, parts = role.to_pylist(), weight.tolist(), part.tolist()
    for size, truth, verifier in zip(sizes.tolist(), documents["ground_truth"], documents["verifier"], strict=True):
        digest = blake3(struct.pack("<q", size))
        for number in range(at, at + size):
            digest.update(roles[number].encode() + struct.pack("<bf", parts[number], weights[number]))
            for text in (contents[number], calls[number]):
                _add(digest, text)
        at += size
        for text in (truth, verifier):
            digest.update(b"\x01" if text.is_valid else b"\x00")
            _add(digest, text)
        ids.append(digest.hexdigest(16))
    return pa.array(ids, pa.string())


def _add(digest: blake3, text: pa.Scalar) -> None:
    data = text.as_buffer()
    digest.update(struct.pack("<q", 0 if data is None else data.size))
    if data is not None:
        digest.update(memoryview(data))


def _rows(documents: pa.Table) -> npt.NDArray[np.int64]:
    return np.asarray(pc.list_parent_indices(whole(documents["turns"])), dtype=np.int64)


def first_and_last_roles(documents: pa.Table) -> tuple[pa.StringArray, pa.StringArray]:
    """The roles of each record's first and last turn; empty for a document that is none."""
    roles, _, _ = marks(documents)
    sizes = np.asarray(pc.fill_null(pc.list_value_length(whole(documents["turns"])), 0), dtype=np.int64)
    ends = np.cumsum(sizes)
    some = pa.array(sizes > 0)
    first, last = (pc.if_else(some, pa.array(np.where(sizes > 0, at, 0)), None) for at in (ends - sizes, ends - 1))
    return pc.fill_null(roles.take(first), ""), pc.fill_null(roles.take(last), "")


def messages(documents: pa.Table) -> list[tuple[list[dict[str, Any]], list[float | None], bool] | None]:
    """Of each record its messages (role, content, tool_calls), the weight of each, and whether an answer is verified; None for a
    document that is no record."""
    if not there(documents):
        return [None] * len(documents)
    made: list[tuple[list[dict[str, Any]], list[float | None], bool] | None] = []
    columns = (documents[name].to_pylist() for name in ("turns", "calls", "marks", "ground_truth"))
    for contents, calls, said_of, truth in zip(*columns, strict=True):
        if contents is None:
            made.append(None)
            continue
        spoken = []
        for content, call, mark in zip(contents, calls, said_of, strict=True):
            message = {"role": mark["role"], "content": content}
            if call:
                message["tool_calls"] = _calls(call)
            spoken.append(message)
        made.append((spoken, [mark["weight"] for mark in said_of], truth is not None))
    return made


def _calls(text: str) -> Any:
    """Tool calls as the template gets them; cleaning may have left no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def columns_in(schema: pa.Schema) -> list[str]:
    """The columns of turns that a table of documents has."""
    return [name for name in COLUMNS if name in schema.names]


def are_pairs(documents: pa.Table) -> Mask:
    """Which documents are preferences: bool[n]."""
    if not there(documents):
        return np.zeros(len(documents), dtype=bool)
    _, _, part = marks(documents)
    return np.asarray(np.bincount(_rows(documents), weights=part != SHARED, minlength=len(documents)) > 0)
