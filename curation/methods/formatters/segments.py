"""Texts with their segments, built from pieces without a Python object a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import as_text, buffers, from_buffers
from schemas.tables import SEGMENT_KINDS, SEGMENTS

Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Formatted:
    """What is trained on: texts LargeString[n], and segments list<struct>[n] in code points that cover each text."""

    texts: pa.LargeStringArray
    segments: pa.ListArray


@dataclass(frozen=True)
class Column:
    """One piece a document, all of one kind: texts LargeString[n] (empty: the document has no such piece)."""

    texts: pa.LargeStringArray
    kind: str
    loss: bool


@dataclass(frozen=True)
class Lists:
    """Several pieces a document, all of one kind: texts LargeString[m] in document order, counts int64[n], sum m."""

    texts: pa.LargeStringArray
    counts: Int
    kind: str
    loss: bool


def side_by_side(columns: Sequence[Column]) -> Formatted:
    """Pieces in columns, joined row by row; empty pieces give no segment."""
    n = len(columns[0].texts)
    empty = pa.array([], pa.large_string())
    return with_lists(columns, Lists(empty, np.zeros(n, dtype=np.int64), "content", False), [])


def with_lists(before: Sequence[Column], lists: Lists, after: Sequence[Column]) -> Formatted:
    """Row by row: the pieces of ``before``, the row's pieces of ``lists``, the pieces of ``after``."""
    n, first, columns = len(lists.counts), len(before), [*before, *after]
    starts = np.concatenate([[0], np.cumsum(lists.counts + len(columns))])
    row = np.repeat(np.arange(n), np.diff(starts))
    place = np.arange(starts[-1]) - starts[row]
    listed = (place >= first) & (place < first + lists.counts[row])
    column = np.where(place < first, place, place - lists.counts[row])
    begins = np.cumsum(lists.counts) - lists.counts
    source = np.where(listed, len(columns) * n + begins[row] + place - first, column * n + row)
    sources: list[Column | Lists] = [*columns, lists]
    kinds = np.array([SEGMENT_KINDS.index(c.kind) for c in sources], dtype=np.int8)
    loss = np.array([c.loss for c in sources])
    kind = np.where(listed, len(columns), column)
    stacked = pa.concat_arrays([as_text(c.texts) for c in sources])
    return in_a_row(stacked.take(pa.array(source)), starts, kinds[kind], loss[kind])


def in_a_row(
    pieces: pa.LargeStringArray, starts: Int, kinds: npt.NDArray[np.int8], loss: npt.NDArray[np.bool_]
) -> Formatted:
    """Pieces one after another: document i owns ``pieces[starts[i]:starts[i + 1]]``.

    starts int64[n + 1] from 0 to m; kinds int8[m] into SEGMENT_KINDS; loss bool[m]. Empty pieces give no segment.
    """
    lengths = np.asarray(pc.utf8_length(pieces), dtype=np.int64)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    first = ends[starts[:-1]][np.repeat(np.arange(len(starts) - 1), np.diff(starts))]
    there = lengths > 0
    counts = np.concatenate([[0], np.cumsum(there)])
    names = pa.DictionaryArray.from_arrays(pa.array(kinds[there]), pa.array(SEGMENT_KINDS)).cast(pa.string())
    struct = pa.StructArray.from_arrays(
        [
            pa.array((ends[:-1] - first)[there].astype(np.int32)),
            pa.array((ends[1:] - first)[there].astype(np.int32)),
            names,
            pa.array(loss[there]),
        ],
        fields=list(SEGMENTS.value_type),
    )
    segments = pa.ListArray.from_arrays(pa.array(counts[starts].astype(np.int32)), struct).cast(SEGMENTS)
    return Formatted(joined(pieces, starts), segments)


def joined(pieces: pa.LargeStringArray, starts: Int) -> pa.LargeStringArray:
    """Pieces one after another as one text each: document i owns ``pieces[starts[i]:starts[i + 1]]``. No copy."""
    data, offsets = buffers(pieces)
    base = int(offsets[0])
    return from_buffers(data[base : int(offsets[-1])], np.ascontiguousarray(offsets[starts] - base))
