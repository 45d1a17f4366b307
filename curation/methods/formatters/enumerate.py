"""A document as a numbered list, an item a line.

Source: list items one by one (Yan et al. 2024), whose answers enumerate what they see in order.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import as_text
from curation.methods.formatters.plain import body
from curation.methods.formatters.segments import Formatted, joined, side_by_side
from curation.methods.formatters.values import texts_of
from schemas.formatters import Enumerate


def enumerate(documents: pa.Table, params: Enumerate, *, seed: int, phase: str) -> Formatted:
    """The prompt, then ``1. first``, ``2. second`` … (``content``, or ``answer`` where there is a prompt).

    A document without items is written plain.
    """
    texts = as_text(documents["text"])
    if params.items is not None:
        found, counts = texts_of(documents, params.items)
    else:
        lines = pl.Series(texts).str.split("\n").to_frame("line").with_row_index("row").explode("line")
        lines = lines.with_columns(pl.col("line").str.strip_chars()).filter(pl.col("line") != "")
        found = lines["line"].to_arrow().cast(pa.large_string())
        counts = np.bincount(lines["row"].to_numpy(), minlength=len(texts))
    place = np.arange(len(found)) - np.repeat(np.cumsum(counts) - counts, counts)
    last = place == np.repeat(counts, counts) - 1
    numbers = pc.cast(pa.array(place + params.start), pa.large_string())
    ends = pa.array(["\n", ""], pa.large_string()).take(pa.array(last.astype(np.int64)))
    dot = pa.scalar(". ", pa.large_string())
    items = as_text(pc.binary_join_element_wise(numbers, dot, found, ends, pa.scalar("", pa.large_string())))
    listed = joined(items, np.concatenate([[0], np.cumsum(counts)]))
    written = as_text(pc.if_else(pa.array(counts > 0), listed, texts))
    at = documents.schema.get_field_index("text")
    return side_by_side(body(documents.set_column(at, "text", written)))
