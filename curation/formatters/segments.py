"""Texts with their segments, built from pieces without a Python object a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.arrow_text import as_text, buffers, from_buffers
from schemas.tables import SEGMENT_KINDS, SEGMENTS


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


def side_by_side(columns: Sequence[Column]) -> Formatted:
    """Pieces in columns, joined row by row; empty pieces give no segment."""
    n, width = len(columns[0].texts), len(columns)
    stacked = pa.concat_arrays([as_text(c.texts) for c in columns])
    rows = (np.arange(n, dtype=np.int64)[:, None] + np.arange(width, dtype=np.int64) * n).reshape(-1)
    kinds = np.array([SEGMENT_KINDS.index(c.kind) for c in columns], dtype=np.int8)
    return in_a_row(
        stacked.take(pa.array(rows)) if width > 1 else stacked,
        np.arange(n + 1, dtype=np.int64) * width,
        np.tile(kinds, n),
        np.tile(np.array([c.loss for c in columns]), n),
    )


def in_a_row(
    pieces: pa.LargeStringArray,
    starts: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.int8],
    loss: npt.NDArray[np.bool_],
) -> Formatted:
    """Pieces one after another: document i owns ``pieces[starts[i]:starts[i + 1]]``.

    starts int64[n + 1] from 0 to m; kinds int8[m] into SEGMENT_KINDS; loss bool[m]. Empty pieces give no segment.
    """
    data, offsets = buffers(pieces)
    base = int(offsets[0])
    texts = from_buffers(data[base : int(offsets[-1])], np.ascontiguousarray(offsets[starts] - base))
    lengths = np.asarray(pc.utf8_length(pieces), dtype=np.int64)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    owner = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    first = ends[starts[:-1]][owner]
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
    return Formatted(texts, pa.ListArray.from_arrays(pa.array(counts[starts].astype(np.int32)), struct).cast(SEGMENTS))
