"""Punctuation, as the published rules have it: tables, since Unicode's own properties have moved on; and the classes of
characters that the kernels look up, as Python has them.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np
import numpy.typing as npt

TERMINALS = frozenset(
    "!.?\u0589\u061d\u061e\u061f\u06d4\u0700\u0701\u0702\u07f9\u0837\u0839\u083d\u083e\u0964\u0965\u104a\u104b"
    "\u1362\u1367\u1368\u166e\u1735\u1736\u17d4\u17d5\u17d6\u17d9\u17da\u1803\u1809\u1944\u1945\u1aa8\u1aa9"
    "\u1aaa\u1aab\u1b5a\u1b5b\u1b5e\u1b5f\u1b7d\u1b7e\u1c3b\u1c3c\u1c7e\u1c7f\u203c\u203d\u2047\u2048\u2049"
    "\u2e2e\u2e3c\u2e53\u2e54\u3002\ua4ff\ua60e\ua60f\ua6f3\ua6f7\ua876\ua877\ua8ce\ua8cf\ua92f\ua9c8\ua9c9"
    "\uaa5d\uaa5e\uaa5f\uaaf0\uaaf1\uabeb\ufe52\ufe56\ufe57\uff01\uff0e\uff1f\uff61\U00010a56\U00010a57"
    "\U00010f55\U00010f56\U00010f57\U00010f58\U00010f59\U00010f86\U00010f87\U00010f88\U00010f89\U00011047"
    "\U00011048\U000110be\U000110bf\U000110c0\U000110c1\U00011141\U00011142\U00011143\U000111c5\U000111c6"
    "\U000111cd\U000111de\U000111df\U00011238\U00011239\U0001123b\U0001123c\U000112a9\U0001144b\U0001144c"
    "\U000115c2\U000115c3\U000115c9\U000115ca\U000115cb\U000115cc\U000115cd\U000115ce\U000115cf\U000115d0"
    "\U000115d1\U000115d2\U000115d3\U000115d4\U000115d5\U000115d6\U000115d7\U00011641\U00011642\U0001173c"
    "\U0001173d\U0001173e\U00011944\U00011946\U00011a42\U00011a43\U00011a9b\U00011a9c\U00011c41\U00011c42"
    "\U00011ef7\U00011ef8\U00011f43\U00011f44\U00016a6e\U00016a6f\U00016af5\U00016b37\U00016b38\U00016b44"
    "\U00016e98\U0001bc9f\U0001da88"
)
"""159 sentence-final marks of all scripts; in ASCII `. ! ?`."""

CCNET = frozenset(
    "\"#$%&'()*+,-/:;<=>@[\\]^_`{|}~\u00ab\u00b4\u00bb\u2013\u2014\u2019\u201c\u201d\u201e\u2026\u2236\u2501"
    "\u25ba\u3001\u3008\u3009\u300a\u300b\u300c\u300d\u3010\u3011\uff05\uff08\uff09\uff0c\uff11\uff1a\uff1b"
    "\uff5e"
)
"""CCNet's punctuation (with its full-width 1), without control characters."""

CONTROLS = frozenset(map(chr, [*range(32), *range(127, 160)])) - {"\t", "\n"}

PUNCTUATION = TERMINALS | CCNET | CONTROLS
"""What a word must have something besides to count as one (Gopher)."""

NEWER = frozenset(
    "\u061d\u061e\u0837\u0839\u083d\u083e\u17d4\u17d5\u17d6\u17d9\u17da\u1b7d\u1b7e\u2e53\u2e54\u1944\u1945"
    "\U00010f55\U00010f56\U00010f57\U00010f58\U00010f59\U00010f86\U00010f87\U00010f88\U00010f89\U00011944"
    "\U00011946\U00011ef7\U00011ef8\U00011f43\U00011f44\U00016e98"
)
"""Marks that Unicode has and spaCy's sentencizer has not."""
MARKS = TERMINALS - NEWER
"""What ends a sentence for spaCy's sentencizer."""

LINE_ENDS = frozenset("\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")
"""Where ``str.splitlines`` splits (and between them nothing for ``\\r\\n``)."""

QUOTES = "\"'”“`‘´’‚,„»«"
"""Between these, or letters, a full stop glues two sentences (spaCy's infix rule)."""

SPACE, ALPHA, TERMINAL, PUNCT, LINE_END, ALNUM, DECIMAL, DIGIT = 1, 2, 4, 8, 16, 32, 64, 128
UPPER, CATEGORY_P, MARK, BEFORE_INFIX, AFTER_INFIX, SYMBOL, NO_PUNCT = 256, 512, 1024, 2048, 4096, 8192, 16384
LIMIT = 0x40000

_ALIKE = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x17000, 0x187F7), (0x20000, 0x2A6DF))
"""Blocks of letters that are all alike to every class: one of each is asked."""


@lru_cache(maxsize=1)
def classes() -> npt.NDArray[np.uint16]:
    """uint16[LIMIT]: the classes of each code point, as bits; those from LIMIT on are no punctuation, and nothing else."""
    table = np.full(LIMIT, NO_PUNCT, dtype=np.uint16)
    code = 0
    while code < 0x32400:
        block = next((last for first, last in _ALIKE if first == code), None)
        last = code if block is None else block
        if not 0xD800 <= code < 0xF900:
            table[code : last + 1] = _classes_of(chr(code))
        code = last + 1
    return table


def _classes_of(c: str) -> int:
    code = ord(c)
    letters_before = "a" <= c <= "z" or 0xDF <= code <= 0xFF
    letters_after = "A" <= c <= "Z" or 0xC0 <= code <= 0xDE
    return (
        SPACE * c.isspace()
        | ALPHA * c.isalpha()
        | TERMINAL * (c in TERMINALS)
        | PUNCT * (c in PUNCTUATION)
        | LINE_END * (c in LINE_ENDS)
        | ALNUM * c.isalnum()
        | DECIMAL * c.isdecimal()
        | DIGIT * c.isdigit()
        | UPPER * c.isupper()
        | CATEGORY_P * unicodedata.category(c).startswith("P")
        | MARK * (c in MARKS)
        | BEFORE_INFIX * (letters_before or c in QUOTES)
        | AFTER_INFIX * (letters_after or c in QUOTES)
        | SYMBOL * (c in "#…")
        | NO_PUNCT * (c not in PUNCTUATION)
    )
