"""Words by Unicode's word boundaries (UAX #29), where each character of a script without spaces is a word.

A word is a segment with a letter or digit in it. The boundaries are those of rules WB3 to WB13b; emoji and flags are no
words. In scripts written without spaces (the list of ``curation.dedup.normalise``) each character, with the marks that
follow it, is a word of its own. The Word_Break property is read from the package ``regex``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import regex  # type: ignore[import-untyped]
from numba import njit, uint8, uint64

from curation.arrays.arrow_text import Bytes, Offsets
from curation.dedup.normalise import WITHOUT_SPACES, decode
from curation.rules.characters import ALNUM, ALPHA, LIMIT, NO_PUNCT, SYMBOL
from curation.rules.hashing import BASE
from curation.rules.words import HAS_ALPHA, HAS_SYMBOL, REAL, STARTS_ALNUM, Room, Words, powers

OTHER, EXTEND, HEBREW, LETTER, MID_LETTER, MID_NUMBER, MID_BOTH, SINGLE_QUOTE, DOUBLE_QUOTE, NUMERIC, CONNECTOR = range(
    11
)
SINGLE = 11
"""A character of a script without spaces."""
PROPERTIES = {
    "Extend": EXTEND,
    "Format": EXTEND,
    "ZWJ": EXTEND,
    "Hebrew_Letter": HEBREW,
    "ALetter": LETTER,
    "MidLetter": MID_LETTER,
    "MidNum": MID_NUMBER,
    "MidNumLet": MID_BOTH,
    "Single_Quote": SINGLE_QUOTE,
    "Double_Quote": DOUBLE_QUOTE,
    "Numeric": NUMERIC,
    "ExtendNumLet": CONNECTOR,
    "Katakana": LETTER,
}


@lru_cache(maxsize=1)
def breaks() -> npt.NDArray[np.uint8]:
    """uint8[LIMIT]: what each code point is to the boundaries."""
    table = np.zeros(LIMIT, dtype=np.uint8)
    everything = "".join(chr(code) if not 0xD800 <= code < 0xE000 else "\0" for code in range(LIMIT))
    for name, what in PROPERTIES.items():
        for found in regex.finditer(rf"\p{{Word_Break={name}}}+", everything):
            table[found.start() : found.end()] = what
    for first, last in WITHOUT_SPACES:
        part = table[first : min(last + 1, LIMIT)]
        part[part != EXTEND] = SINGLE
    return table


def split(data: Bytes, offsets: Offsets, classes: npt.NDArray[np.uint16], room: Room | None = None) -> Words:
    """The words of each document, as ``curation.rules.words.split`` gives them."""
    words = (room or Room()).fitting(len(offsets) - 1, int(offsets[-1] - offsets[0]) + 1)
    _split(data, offsets, classes, breaks(), *words)
    return words


@njit(inline="always")
def _what(data: Bytes, at: int, end: int, table: npt.NDArray[np.uint8]) -> tuple[Any, int]:
    code, width = decode(data, at, end)
    return (np.int64(table[code]) if code < LIMIT else OTHER), width


@njit(nogil=True, cache=True)
def _past_extends(data: Bytes, at: int, end: int, table: npt.NDArray[np.uint8]) -> int:
    while at < end:
        what, width = _what(data, at, end, table)
        if what != EXTEND:
            break
        at += width
    return at


@njit(nogil=True, cache=True)
def _segment_end(data: Bytes, at: int, end: int, table: npt.NDArray[np.uint8]) -> int:
    """Where the segment that begins at ``at`` ends."""
    what, width = _what(data, at, end, table)
    at = _past_extends(data, at + width, end, table)
    while at < end and (what == HEBREW or what == LETTER or what == NUMERIC or what == CONNECTOR):
        after, width = _what(data, at, end, table)
        past = _past_extends(data, at + width, end, table)
        if after == HEBREW or after == LETTER or after == NUMERIC or after == CONNECTOR:
            what, at = after, past
            continue
        beyond, width = _what(data, past, end, table) if past < end else (OTHER, 0)
        letter = what == HEBREW or what == LETTER
        mid_letter = after == MID_LETTER or after == MID_BOTH or after == SINGLE_QUOTE
        mid_number = after == MID_NUMBER or after == MID_BOTH or after == SINGLE_QUOTE
        if (
            (letter and mid_letter and (beyond == HEBREW or beyond == LETTER))
            or (what == HEBREW and after == DOUBLE_QUOTE and beyond == HEBREW)
            or (what == NUMERIC and mid_number and beyond == NUMERIC)
        ):
            what, at = beyond, _past_extends(data, past + width, end, table)
            continue
        if what == HEBREW and after == SINGLE_QUOTE:
            return past
        break
    return at


@njit(nogil=True, cache=True)
def _split(
    data: Bytes,
    offsets: Offsets,
    classes: npt.NDArray[np.uint16],
    table: npt.NDArray[np.uint8],
    first: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    chars: npt.NDArray[np.int32],
    traits: npt.NDArray[np.uint8],
    prefix: npt.NDArray[np.uint64],
    scale: npt.NDArray[np.uint64],
) -> None:
    w = 0
    power, back, total = uint64(1), uint64(1), uint64(0)
    for row in range(len(offsets) - 1):
        first[row] = w
        at, end = offsets[row], offsets[row + 1]
        while at < end:
            segment = at
            at = _segment_end(data, segment, end, table)
            seen, count, trait, head = 0, 0, 0, 0
            place = segment
            while place < at:
                code, width = decode(data, place, at)
                what: Any = np.int64(classes[code]) if code < LIMIT else NO_PUNCT
                if place == segment:
                    head = what
                seen |= what
                count += 1
                if what & SYMBOL:
                    trait |= HAS_SYMBOL
                place += width
            if not seen & ALNUM:
                continue
            start[w], ends[w], chars[w] = segment, at, count
            prefix[w] = total
            h = uint64(0)
            for j in range(segment, at):
                h = h * uint64(BASE) + uint64(data[j]) + uint64(1)
            up, down = powers(at - segment)
            power *= up
            back *= down
            total += h * back
            scale[w] = power
            if head & ALNUM:
                trait |= STARTS_ALNUM
            if seen & ALPHA:
                trait |= HAS_ALPHA
            if seen & NO_PUNCT:
                trait |= REAL
            traits[w] = uint8(trait)
            w += 1
    first[len(offsets) - 1] = w
    prefix[w] = total
