"""Columns of the input that hold something for each token of a text, such as a teacher's likeliest tokens, beside ``input_ids``.

They are of the text as it was read, by the tokenizer of the recipe, without special tokens: a document whose text a stage changed,
that another tokenizer cut, or whose lists are of another length has none.

Source: SALT (Rawat et al. 2024) distils with a small model's probabilities of the tokens that are likeliest by it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.columns import lists, whole
from curation.dedup.exact_keys import text_ids
from curation.training.tokens import Tokens
from schemas.tables import TOKEN_TYPES

AS_READ = "as_read"
"""Column of the documents: a digest of their text as it was read, where there are such columns."""
OF_THE_TEXT = ("content", "answer")
"""Kinds of the segment that is a document's text."""
LARGEST = 2**24
"""Whole numbers up to here are exact as they are read."""
Types = Mapping[str, tuple[str, int | None]]
"""Of each column what it holds, and how many a token; None: one (``Shards.token_types``)."""


def columns_of(wanted: Collection[str]) -> list[str]:
    """Columns of the documents that ``beside`` reads; wanted: the recipe's token columns."""
    return [AS_READ, *(f"column:{name}" for name in wanted)] if wanted else []


def beside(documents: pa.Table, segments: pa.ListArray, tokens: Tokens, wanted: Types) -> Tokens:
    """The tokens with a list for each column that is wanted, 0 for tokens that are not of the document's text, and ``fits``.

    documents: with ``columns_of(wanted)``; segments: as they are written.
    """
    if not wanted:
        return tokens
    assert tokens.input_ids is not None
    assert tokens.segment_tokens is not None
    n = len(documents)
    structs = segments.flatten()
    rows = np.repeat(np.arange(n), np.asarray(pc.list_value_length(segments), dtype=np.int64))
    mine = np.flatnonzero(np.asarray(pc.is_in(structs.field("kind"), value_set=pa.array(OF_THE_TEXT))))
    begins = np.cumsum(tokens.segment_tokens) - tokens.segment_tokens
    fits = np.bincount(rows[mine], minlength=n) == 1
    start, size = np.zeros(n, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    start[rows[mine]], size[rows[mine]] = begins[mine], tokens.segment_tokens[mine]
    points = np.zeros(n, dtype=np.int64)
    points[rows[mine]] = np.asarray(pc.subtract(structs.field("end"), structs.field("start")), dtype=np.int64)[mine]
    fits &= points == np.asarray(pc.utf8_length(documents["text"]), dtype=np.int64)
    fits &= np.asarray(pc.fill_null(pc.equal(text_ids(documents["text"]), whole(documents[AS_READ])), False))
    read = {}
    for name, (number, width) in wanted.items():
        column = whole(documents[f"column:{name}"])
        fits &= np.asarray(pc.fill_null(pc.list_value_length(column), -1), dtype=np.int64) == size
        fits &= _right(column, number, width)
        read[name] = column
    total = len(tokens.input_ids.flatten())
    chosen = np.flatnonzero(fits)
    ends = np.cumsum(size[chosen])
    places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(start[chosen] - ends + size[chosen], size[chosen])
    made = {}
    for name, (number, width) in wanted.items():
        flat = read[name].take(pa.array(chosen)).flatten()
        flat = flat if width is None else flat.flatten()
        dtype = TOKEN_TYPES[number].to_pandas_dtype()
        values = np.zeros((total,) if width is None else (total, width), dtype=dtype)
        values[places] = flat.to_numpy(zero_copy_only=False).astype(dtype).reshape(len(places), *values.shape[1:])
        made[name] = lists(tokens.input_ids.offsets, values)
    return replace(tokens, columns=made, fits=fits)


def _right(column: pa.ListArray, number: str, width: int | None) -> npt.NDArray[np.bool_]:
    """Of each row whether all of its lists have the width, and its numbers are whole where they should be: bool[n]."""
    n = len(column)
    rows = np.repeat(np.arange(n), np.asarray(pc.fill_null(pc.list_value_length(column), 0), dtype=np.int64))
    flat = column.flatten()
    wrong = np.zeros(n, dtype=bool)
    if width is not None:
        sizes = np.asarray(pc.fill_null(pc.list_value_length(flat), 0), dtype=np.int64)
        wrong[rows[sizes != width]] = True
        rows, flat = np.repeat(rows, sizes), flat.flatten()
    if number == "int32":
        numbers = flat.to_numpy(zero_copy_only=False)
        wrong[rows[(np.rint(numbers) != numbers) | (np.abs(numbers) > LARGEST)]] = True
    return ~wrong
