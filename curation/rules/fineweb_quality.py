"""FineWeb's quality rules (Penedo et al. 2024): as datatrove 0.10.1's FineWebQualityFilter, and as FineWeb v1 was made.

Differs from it where it crashes: a text whose words the recipe's definition does not find has a list ratio of infinity.
FineWeb v1 (datatrove 0.2): lines end in one of `. ' " ! ?`, blank lines count in the first two rules, and a value at its
bound drops.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from curation.arrays.arrow_text import Bytes, Offsets
from curation.rules.characters import SPACE, TERMINAL
from curation.rules.gopher_repetition import most_of
from curation.rules.hashing import hash_bytes, new_table, next_stamp, shift_of, slot_of, stamped
from curation.rules.lines import chars_of, last_char
from curation.rules.measured import Block, Floats, Measured, Rule
from curation.rules.words import class_at
from schemas.rules import FineWeb, FineWebV1


def rules(params: FineWeb | FineWebV1) -> list[Rule]:
    """The rules in the order in which they decide."""
    first = isinstance(params, FineWebV1)
    less, more = ("<=", ">=") if first else ("<", ">")
    return [
        Rule("empty", "<=", None if first else 0.0),
        Rule("line_punct_ratio", less, params.min_line_punct_ratio),  # type: ignore[arg-type]
        Rule("short_line_ratio", more, params.max_short_line_ratio),  # type: ignore[arg-type]
        Rule("char_dup_ratio", more, params.max_char_dup_ratio),  # type: ignore[arg-type]
        Rule("list_ratio", ">", params.max_list_ratio),
    ]


def fineweb_quality(block: Block, params: FineWeb | FineWebV1) -> Measured:
    """The statistics of each document, one a rule; NaN where no line is left."""
    asked = rules(params)
    values = block.nothing(asked)
    first = isinstance(params, FineWebV1)
    _measure(
        block.data,
        block.offsets,
        block.classes,
        *block.breaks,
        block.chars,
        block.word_counts,
        block.alive,
        params.short_line_chars,
        first,
        values,
    )
    return Measured(asked, values)


@njit(nogil=True, cache=True)
def _measure(
    data: Bytes,
    offsets: Offsets,
    classes: npt.NDArray[np.uint16],
    breaks: npt.NDArray[np.int64],
    first_break: npt.NDArray[np.int64],
    chars: npt.NDArray[np.int64],
    n_words: npt.NDArray[np.int64],
    alive: npt.NDArray[np.bool_],
    short: int,
    v1: bool,
    out: Floats,
) -> None:
    table = new_table(most_of(first_break) + 1)
    stamp = uint64(0)
    for row in range(len(alive)):
        if not alive[row]:
            continue
        low, high = first_break[row], first_break[row + 1]
        shift = shift_of(high - low + 1)
        stamp = next_stamp(table, stamp)
        full = ended = brief = repeated = 0
        begin = offsets[row]
        for b in range(low, high + 1):
            end = breaks[b] if b < high else offsets[row + 1]
            what, blank = 0, True
            at = begin
            while at < end and blank:
                what, width = class_at(data, at, end, classes)
                blank = what & SPACE != 0
                at += width
            if v1 or not blank:
                if end > begin:
                    last = last_char(data, begin, end)
                    final = data[last]
                    if v1:  # . ' " ! ?
                        ended += final == 0x2E or final == 0x27 or final == 0x22 or final == 0x21 or final == 0x3F
                    else:
                        what, _ = class_at(data, last, end, classes)
                        ended += what & TERMINAL != 0
                brief += end - begin <= 4 * short and chars_of(data, begin, end) <= short
            if not blank:
                full += 1
                key = stamped(hash_bytes(data, begin, end), stamp)
                slot = slot_of(table, shift, key)
                if table[slot] == key:
                    repeated += chars_of(data, begin, end)
                table[slot] = key
            begin = end + 1
        out[row, 0] = full
        if full == 0 and not v1:
            continue
        counted = high - low + 1 if v1 else full
        out[row, 1], out[row, 2] = ended / counted, brief / counted
        if chars[row] > high - low:
            out[row, 3] = repeated / (chars[row] - (high - low))
        if n_words[row]:
            out[row, 4] = (high - low) / n_words[row]
        else:
            out[row, 4] = np.inf if high > low else 0.0
