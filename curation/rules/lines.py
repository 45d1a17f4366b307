"""Lines of a block of documents, and the white space around them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from curation.arrays.arrow_text import Bytes
from curation.rules.characters import SPACE
from curation.rules.words import class_at


@njit(nogil=True, cache=True)
def chars_of(data: Bytes, start: int, end: int) -> int:
    """The code points of ``data[start:end]``."""
    n = 0
    for i in range(start, end):
        n += data[i] & 0xC0 != 0x80
    return n


@njit(nogil=True, cache=True)
def stripped(data: Bytes, start: int, end: int, classes: npt.NDArray[np.uint16]) -> tuple[int, int]:
    """The range without the white space at both ends."""
    while start < end:
        what, width = class_at(data, start, end, classes)
        if not what & SPACE:
            break
        start += width
    while end > start:
        last = end - 1
        while last > start and data[last] & 0xC0 == 0x80:
            last -= 1
        what, _ = class_at(data, last, end, classes)
        if not what & SPACE:
            break
        end = last
    return start, end


@njit(nogil=True, cache=True)
def last_char(data: Bytes, start: int, end: int) -> int:
    """Where the last character of a range that is not empty begins."""
    last = end - 1
    while last > start and data[last] & 0xC0 == 0x80:
        last -= 1
    return last


@njit(inline="always")
def is_at(data: Bytes, at: int, end: int, wanted: bytes) -> bool:
    """Whether the bytes stand there."""
    if at < 0 or at + len(wanted) > end:
        return False
    for i in range(len(wanted)):
        if data[at + i] != wanted[i]:
            return False
    return True


@njit(inline="always")
def phrase_at(data: Bytes, start: int, at: int, end: int, wanted: bytes) -> bool:
    """Whether a phrase of small ASCII letters and spaces stands there, whatever its case."""
    if at < start or at + len(wanted) > end:
        return False
    for i in range(len(wanted)):
        byte = data[at + i]
        if 0x41 <= byte <= 0x5A:
            byte |= 0x20
        if byte != wanted[i]:
            return False
    return True
