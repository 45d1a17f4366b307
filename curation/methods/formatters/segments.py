"""Texts with their segments, built from pieces without a Python object a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.arrays.arrow_text import as_text, buffers, from_buffers
from schemas.tables import SEGMENT_KINDS, SEGMENTS

Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Formatted:
    """What is trained on: texts LargeString[n], and segments list<struct>[n] in code points that cover each text.

    weights float32[m]: of each segment, what its turn says of itself; 1 where it says nothing, 0 without loss. refused: rows
    that the formatter does not write, and why; their texts are empty.
    """

    texts: pa.LargeStringArray
    segments: pa.ListArray
    weights: npt.NDArray[np.float32]
    refused: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """One piece a document, all of one kind: texts LargeString[n] (empty: the document has no such piece)."""

    texts: pa.LargeStringArray
    kind: str
    loss: bool


@dataclass(frozen=True)
class Lists:
    """Several pieces a document: texts LargeString[m] in document order, counts int64[n], sum m.

    kind, loss: of all, or of each (int8[m] into SEGMENT_KINDS, float32[m]: the weight, 0 without loss).
    """

    texts: pa.LargeStringArray
    counts: Int
    kind: str | npt.NDArray[np.int8]
    loss: bool | npt.NDArray[np.float32]


def side_by_side(pieces: Sequence[Column | Lists]) -> Formatted:
    """Row by row the pieces of each, in their order; empty pieces give no segment."""
    n = len(pieces[0].counts if isinstance(pieces[0], Lists) else pieces[0].texts)
    counts = np.stack([one.counts if isinstance(one, Lists) else np.ones(n, dtype=np.int64) for one in pieces])
    starts = np.concatenate([[0], np.cumsum(counts.sum(axis=0))])
    first = starts[:-1] + np.cumsum(counts, axis=0) - counts
    source = np.empty(starts[-1], dtype=np.int64)
    kinds = np.empty(starts[-1], dtype=np.int8)
    loss = np.empty(starts[-1], dtype=np.float32)
    begins = np.cumsum([0, *(len(one.texts) for one in pieces)])
    for number, one in enumerate(pieces):
        within = np.arange(len(one.texts)) - np.repeat(np.cumsum(counts[number]) - counts[number], counts[number])
        places = np.repeat(first[number], counts[number]) + within
        source[places] = np.arange(begins[number], begins[number + 1])
        kinds[places] = SEGMENT_KINDS.index(one.kind) if isinstance(one.kind, str) else one.kind
        loss[places] = one.loss
    stacked = pa.concat_arrays([as_text(one.texts) for one in pieces])
    return in_a_row(stacked.take(pa.array(source)), starts, kinds, loss)


def in_a_row(
    pieces: pa.LargeStringArray,
    starts: Int,
    kinds: npt.NDArray[np.int8],
    weights: npt.NDArray[np.float32],
    refused: dict[int, str] | None = None,
) -> Formatted:
    """Pieces one after another: document i owns ``pieces[starts[i]:starts[i + 1]]``.

    starts int64[n + 1] from 0 to m; kinds int8[m] into SEGMENT_KINDS; weights float32[m], 0 without loss. Empty pieces give no
    segment.
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
            pa.array(weights[there] > 0),
        ],
        fields=list(SEGMENTS.value_type),
    )
    segments = pa.ListArray.from_arrays(pa.array(counts[starts].astype(np.int32)), struct).cast(SEGMENTS)
    return Formatted(joined(pieces, starts), segments, weights[there].astype(np.float32), refused or {})


def only(segments: pa.ListArray, there: npt.NDArray[np.bool_]) -> pa.ListArray:
    """The segments of some rows, null for the others."""
    sizes = np.where(there, np.asarray(pc.list_value_length(segments), dtype=np.int64), 0)
    rows = np.asarray(pc.list_parent_indices(segments), dtype=np.int64)
    offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]), pa.int32())
    lists = pa.ListArray.from_arrays(offsets, segments.flatten().filter(pa.array(there[rows])), mask=pa.array(~there))
    return lists.cast(SEGMENTS)


def joined(pieces: pa.LargeStringArray, starts: Int) -> pa.LargeStringArray:
    """Pieces one after another as one text each: document i owns ``pieces[starts[i]:starts[i + 1]]``. No copy."""
    data, offsets = buffers(pieces)
    base = int(offsets[0])
    return from_buffers(data[base : int(offsets[-1])], np.ascontiguousarray(offsets[starts] - base))
