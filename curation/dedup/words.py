"""What a word is for near duplicates: a run of letters and digits; a character each in scripts without spaces."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np
import numpy.typing as npt

TABLE_SIZE = 0x30000
BREAK, PART, WHOLE = 0, 1, 2
"""Not in a word; part of a word; a word by itself."""
SCRIPTS_WITHOUT_SPACES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han, compatibility
    (0x20000, 0x2FFFF),  # Han, further extensions
)


@lru_cache(maxsize=1)
def word_table() -> npt.NDArray[np.uint8]:
    """BREAK, PART or WHOLE for each code point below 0x30000; what lies above is a BREAK."""
    table = np.zeros(TABLE_SIZE, dtype=np.uint8)
    for point in range(TABLE_SIZE):
        if unicodedata.category(chr(point))[0] in "LNM":
            table[point] = PART
    for first, last in SCRIPTS_WITHOUT_SPACES:
        table[first : last + 1][table[first : last + 1] == PART] = WHOLE
    return table
