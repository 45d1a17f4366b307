"""One Unicode form for every text: NFC, or ftfy's repair of mis-decoded text (which ends in NFC too).

NFC follows Unicode Standard Annex 15. Rows that are in NFC already are recognised by one pass over their bytes (the
annex's quick check, with a table made from the character database) and returned untouched; only the others are
normalised. ftfy (Speer 2019, https://ftfy.readthedocs.io) costs Python time per document, about 3 MB/s.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import ftfy
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from curation.arrays.arrow_text import Bytes, Offsets, buffers

# Planes 0 to 2; what lies above is rare enough to go to the normaliser.
_TABLE_SIZE = 0x30000


def normalise(texts: pa.LargeStringArray, form: Literal["nfc", "ftfy", "none"]) -> pa.LargeStringArray:
    """The texts in the given form: large_string[n], the same array where no row changes.

    - ``nfc``: canonical composition. Nothing else changes: no case, no width, no white space.
    - ``ftfy``: ``ftfy.fix_text`` with its defaults: mis-decoded text repaired, HTML entities decoded where the text
      holds no ``<``, curly quotes made straight, ligatures and widths undone, line ends made ``\\n``, controls removed,
      then NFC.
    - ``none``: as it is.
    """
    if form == "none" or not len(texts):
        return texts
    if form == "nfc":
        suspects = _not_surely_nfc(*buffers(texts), _unstable())
        return _replace(texts, suspects, lambda rows: pc.utf8_normalize(rows, form="NFC"))
    suspects = _not_surely_fixed(*buffers(texts))
    # A Python loop: ftfy takes one string at a time.
    return _replace(
        texts, suspects, lambda rows: pa.array([ftfy.fix_text(text) for text in rows.to_pylist()], pa.large_string())
    )


def _replace(
    texts: pa.LargeStringArray,
    where: npt.NDArray[np.bool_],
    change: Callable[[pa.LargeStringArray], pa.LargeStringArray],
) -> pa.LargeStringArray:
    if not where.any():
        return texts
    mask = pa.array(where)
    before = texts.filter(mask)
    after = change(before)
    if after.equals(before):
        return texts
    return pc.replace_with_mask(texts, mask, after)


@lru_cache(maxsize=1)
def _unstable() -> npt.NDArray[np.bool_]:
    """bool[0x30000]: code points that NFC may change, or that may change what stands before them.

    These are: a combining class other than 0; a canonical decomposition that is not composed again; the second half
    of a composite; the vowels and finals of conjoining Hangul; and whatever this Python's database does not know.
    """
    table = np.zeros(_TABLE_SIZE, dtype=np.bool_)
    for code in range(0x300, _TABLE_SIZE):
        if 0x3400 <= code < 0xA000 or 0xAC00 <= code < 0xE000 or 0x20000 <= code < 0x2A6DF:
            continue  # ideographs and Hangul syllables: stable, and most of the table
        character = chr(code)
        if unicodedata.combining(character) or unicodedata.category(character) == "Cn":
            table[code] = True
            continue
        parts = unicodedata.decomposition(character)
        if parts and not parts.startswith("<"):
            table[code] |= unicodedata.normalize("NFC", character) != character
            if " " in parts:
                table[int(parts.split()[1], 16)] = True
    table[0x1161:0x1176] = True
    table[0x11A8:0x11C3] = True
    return table


@njit(nogil=True, cache=True)
def _not_surely_nfc(data: Bytes, offsets: Offsets, unstable: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """bool[n]: rows with a code point for which the quick check does not say yes."""
    n = len(offsets) - 1
    suspect = np.zeros(n, dtype=np.bool_)
    for row in range(n):
        i, end = offsets[row], offsets[row + 1]
        while i < end:
            byte = data[i]
            if byte < 0xCC:  # ASCII, continuation bytes, and two-byte sequences below U+0300
                i += 1
                continue
            if byte < 0xE0:
                code = (np.int64(byte & 0x1F) << 6) | (data[i + 1] & 0x3F)
                i += 2
            elif byte < 0xF0:
                code = (np.int64(byte & 0x0F) << 12) | (np.int64(data[i + 1] & 0x3F) << 6) | (data[i + 2] & 0x3F)
                i += 3
            else:
                code = (
                    (np.int64(byte & 0x07) << 18)
                    | (np.int64(data[i + 1] & 0x3F) << 12)
                    | (np.int64(data[i + 2] & 0x3F) << 6)
                    | (data[i + 3] & 0x3F)
                )
                i += 4
            if code >= 0x30000 or unstable[code]:
                suspect[row] = True
                break
    return suspect


@njit(nogil=True, cache=True)
def _not_surely_fixed(data: Bytes, offsets: Offsets) -> npt.NDArray[np.bool_]:
    """bool[n]: rows that ftfy might change: not ASCII, or with an ampersand or a control character."""
    n = len(offsets) - 1
    suspect = np.zeros(n, dtype=np.bool_)
    for row in range(n):
        for i in range(offsets[row], offsets[row + 1]):
            byte = data[i]
            if byte >= 0x7F or byte == 0x26 or (byte < 0x20 and byte != 0x09 and byte != 0x0A):
                suspect[row] = True
                break
    return suspect
