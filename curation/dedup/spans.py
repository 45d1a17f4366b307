"""Spans of bytes that go from texts: joined, kept to whole characters, lines or sentences, and cut out.

Spans are of texts ``(data, offsets)``, sorted by text and start: row int64[m], start and end int64[m] inside the text.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from curation.arrays.arrow_text import Bytes, Offsets, buffers, from_buffers
from curation.dedup.units import units_of
from schemas.dedup import Paragraphs, Substrings

Int = npt.NDArray[np.int64]
UNITS = {"line": Paragraphs(unit="line"), "sentence": Paragraphs(unit="sentences")}


class Spans(NamedTuple):
    """item: int64[m], which of the given spans each one begins with."""

    row: Int
    start: Int
    end: Int
    item: Int


def joined(row: Int, start: Int, end: Int, close_gaps: int) -> Spans:
    """Spans that overlap, touch, or are ``close_gaps`` bytes apart at most, as one. Given sorted by row and start."""
    out = np.empty((len(row), 4), dtype=np.int64)
    n = _joined(row, start, end, close_gaps, out)
    return Spans(*(out[:n, column].copy() for column in range(4)))


@njit(nogil=True, cache=True)
def _joined(row, start, end, gap, out):  # type: ignore[no-untyped-def]
    n = 0
    for i in range(len(row)):
        if n and out[n - 1, 0] == row[i] and start[i] - out[n - 1, 2] <= gap:
            out[n - 1, 2] = max(out[n - 1, 2], end[i])
        else:
            out[n, 0], out[n, 1], out[n, 2], out[n, 3] = row[i], start[i], end[i], i
            n += 1
    return n


def shrunk(texts: pa.LargeStringArray, spans: Spans, boundary: str) -> Spans:
    """The spans without the characters, lines or sentences that they divide; those of which nothing is left are gone."""
    data, offsets = buffers(texts)
    start, end = spans.start + offsets[spans.row], spans.end + offsets[spans.row]
    if boundary == "character":
        _whole_characters(data, start, end)
    else:
        borders = units_of(texts, UNITS[boundary]).start
        start = borders[np.searchsorted(borders, start, side="left")]
        end = borders[np.searchsorted(borders, end, side="right") - 1]
    left = np.flatnonzero(end > start)
    base = offsets[spans.row[left]]
    return Spans(spans.row[left], start[left] - base, end[left] - base, spans.item[left])


@njit(nogil=True, cache=True)
def _whole_characters(data, start, end):  # type: ignore[no-untyped-def]
    for i in range(len(start)):
        while start[i] < end[i] and data[start[i]] & 0xC0 == 0x80:
            start[i] += 1
        while end[i] > start[i] and end[i] < len(data) and data[end[i]] & 0xC0 == 0x80:
            end[i] -= 1


def without(texts: pa.LargeStringArray, spans: Spans) -> pa.LargeStringArray:
    """The texts without the spans."""
    data, offsets = buffers(texts)
    gone = np.zeros(len(texts) + 1, dtype=np.int64)
    np.add.at(gone, spans.row + 1, spans.end - spans.start)
    where = offsets - offsets[0] - np.cumsum(gone)
    out = np.empty(int(where[-1]), dtype=np.uint8)
    _copy(data, offsets, spans.row, spans.start, spans.end, out)
    return from_buffers(out, where)


@njit(nogil=True, cache=True)
def _copy(data: Bytes, offsets: Offsets, row: Int, start: Int, end: Int, out: Bytes) -> None:
    to, i = 0, 0
    for text in range(len(offsets) - 1):
        at = offsets[text]
        while i < len(row) and row[i] == text:
            until = offsets[text] + start[i]
            out[to : to + until - at] = data[at:until]
            to += until - at
            at = offsets[text] + end[i]
            i += 1
        out[to : to + offsets[text + 1] - at] = data[at : offsets[text + 1]]
        to += offsets[text + 1] - at


def share_left(texts: pa.LargeStringArray, spans: Spans) -> npt.NDArray[np.float64]:
    """The share of each text's bytes that no span holds: float64[n], 1 of an empty text."""
    _, offsets = buffers(texts)
    gone = np.zeros(len(texts), dtype=np.int64)
    np.add.at(gone, spans.row, spans.end - spans.start)
    sizes = np.diff(offsets)
    return 1.0 - gone / np.maximum(sizes, 1)


def verdict(left: float, blank: bool, params: Substrings) -> tuple[str, float, float] | None:
    """What drops a text with spans: rule, value, threshold. left: the share that no span holds; blank: whether that is white space."""
    if blank:
        return "nothing_left", left, 0.0
    if left < params.least_left:
        return "share", left, params.least_left
    return None
