"""RefinedWeb's line-wise corrections (Penedo et al. 2023, appendix G.2), as DCLM's baseline recipe has them.

Lines that are counters, mostly capitals or mostly digits, or a single word go; short lines lose what a page's furniture
puts there. A document that loses too large a share of its words is dropped. Words are runs between white space here,
whatever the recipe's definition: what is left of a line is counted again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from curation.arrays.arrow_text import Bytes, Offsets, from_buffers
from curation.rules.characters import ALNUM, DECIMAL, DIGIT, SPACE, UPPER
from curation.rules.lines import phrase_at, stripped
from curation.rules.measured import Block, Floats, Measured, Rule
from curation.rules.words import class_at
from schemas.rules import RefinedWebLines

EDITS = (
    "refinedweb_uppercase",
    "refinedweb_digits",
    "refinedweb_counter",
    "refinedweb_too_few_words",
    "refinedweb_furniture",
)
UPPERCASE, DIGITS, COUNTER, TOO_FEW_WORDS, FURNITURE = range(5)
SHORT_LINE_WORDS = 10
COUNTED = (
    b"likes",
    b"shares",
    b"comments",
    b"retweets",
    b"reposts",
    b"quotes",
    b"bookmarks",
    b"upvotes",
    b"downvotes",
    b"downloads",
    b"views",
    b"followers",
)


def refinedweb_lines(block: Block, params: RefinedWebLines) -> Measured:
    """The text with the lines that stay, the share of words that went, and lines edited by rule."""
    asked = [Rule("too_many_removed_words", ">", params.max_removed_words)]
    values = block.nothing(asked)
    edits = np.zeros((len(block), len(EDITS)), dtype=np.int64)
    out = np.empty(int(block.offsets[-1] - block.offsets[0]) + len(block) + 1, dtype=np.uint8)
    out_offsets = np.zeros(len(block) + 1, dtype=np.int64)
    _rewrite(
        block.data,
        block.offsets,
        block.classes,
        block.alive,
        np.inf if params.max_uppercase is None else params.max_uppercase,
        np.inf if params.max_digits is None else params.max_digits,
        params.counters,
        params.min_words or 0,
        params.furniture,
        np.inf if params.max_removed_words is None else params.max_removed_words,
        out,
        out_offsets,
        edits,
        values[:, 0],
    )
    changed = {name: edits[:, i] for i, name in enumerate(EDITS)}
    return Measured(asked, values, from_buffers(out, out_offsets), changed)


@njit(nogil=True, cache=True)
def _rewrite(
    data: Bytes,
    offsets: Offsets,
    classes: npt.NDArray[np.uint16],
    alive: npt.NDArray[np.bool_],
    max_uppercase: float,
    max_digits: float,
    counters: bool,
    min_words: int,
    furniture: bool,
    max_removed: float,
    out: Bytes,
    out_offsets: Offsets,
    edits: npt.NDArray[np.int64],
    removed: Floats,
) -> None:
    to = 0
    for row in range(len(alive)):
        out_offsets[row] = to
        at, end = offsets[row], offsets[row + 1]
        begin_text, start_text = to, at
        if not alive[row]:
            out[to : to + end - at] = data[at:end]
            to += end - at
            continue
        before = after = 0
        first = True
        more = True
        while more:
            start = at
            words, inside = 0, False
            upper = digits = chars = trailing = 0
            while at < end and data[at] != 0x0A:
                what, width = class_at(data, at, end, classes)
                if what & SPACE:
                    inside = False
                    trailing += words > 0
                else:
                    words += not inside
                    inside = True
                    chars += trailing + 1
                    trailing = 0
                    upper += what & UPPER != 0
                    digits += what & DIGIT != 0
                at += width
            stop = at
            more = at < end
            at += 1
            before += words
            if words:
                if upper / chars > max_uppercase:
                    edits[row, UPPERCASE] += 1
                    continue
                if digits / chars > max_digits:
                    edits[row, DIGITS] += 1
                    continue
                if counters:
                    s, e = stripped(data, start, stop, classes)
                    if _is_counter(data, s, e, classes):
                        edits[row, COUNTER] += 1
                        continue
                if words < min_words:
                    edits[row, TOO_FEW_WORDS] += 1
                    continue
            line = to if first else to + 1
            for i in range(start, stop):
                out[line + i - start] = data[i]
            finish = line + stop - start
            if words and furniture and words <= SHORT_LINE_WORDS:
                cut = _without_furniture(out, line, finish, classes)
                if cut < finish:
                    edits[row, FURNITURE] += 1
                    finish = cut
                    words, inside = 0, False
                    i = line
                    while i < finish:
                        what, width = class_at(out, i, finish, classes)
                        space = what & SPACE != 0
                        words += not space and not inside
                        inside = not space
                        i += width
                    if words == 0:
                        continue
            if not first:
                out[to] = 0x0A
            first = False
            to = finish
            after += words
        if before:
            removed[row] = (before - after) / before
            if removed[row] > max_removed:  # a dropped document keeps its text
                out[begin_text : begin_text + end - start_text] = data[start_text:end]
                to = begin_text + end - start_text
    out_offsets[len(alive)] = to


@njit(nogil=True, cache=True)
def _is_counter(data: Bytes, at: int, end: int, classes: npt.NDArray[np.uint16]) -> bool:
    r"""``\W*\d[\d,.]*[kmb]?\s+(likes|…)\W*``, the whole line in lower case."""
    while at < end:
        what, width = class_at(data, at, end, classes)
        if what & ALNUM or data[at] == 0x5F:
            break
        at += width
    if at >= end:
        return False
    what, width = class_at(data, at, end, classes)
    if not what & DECIMAL:
        return False
    while at < end:
        what, width = class_at(data, at, end, classes)
        if not what & DECIMAL and data[at] != 0x2C and data[at] != 0x2E:
            break
        at += width
    if at < end:
        letter = data[at] | 0x20
        if letter == 0x6B or letter == 0x6D or letter == 0x62:  # k m b
            at += 1
    spaces = 0
    while at < end:
        what, width = class_at(data, at, end, classes)
        if not what & SPACE:
            break
        spaces += 1
        at += width
    if not spaces:
        return False
    length = 0
    for word in COUNTED:
        if phrase_at(data, at, at, end, word):
            length = len(word)
    if not length:
        return False
    at += length
    while at < end:
        what, width = class_at(data, at, end, classes)
        if what & ALNUM or data[at] == 0x5F:
            return False
        at += width
    return True


@njit(nogil=True, cache=True)
def _without_furniture(text: Bytes, start: int, end: int, classes: npt.NDArray[np.uint16]) -> int:
    """Cut "items in cart" anywhere, "Read more..." at the end and "Sign-in" at the start, in place; where it ends."""
    at = to = start
    while at < end:
        if text[at] | 0x20 == 0x69 and phrase_at(text, start, at, end, b"items in cart"):
            at += 13
            continue
        text[to] = text[at]
        at += 1
        to += 1
    end = to
    for at in range(start, end):
        if text[at] | 0x20 == 0x72 and phrase_at(text, start, at, end, b"read more"):
            place, wild = at + 9, 0
            while wild < 3 and place < end:  # the dots of DCLM's pattern stand for any three characters
                _, width = class_at(text, place, end, classes)
                place += width
                wild += 1
            if wild == 3 and stripped(text, place, end, classes)[0] >= end:
                end = at
                break
    at, _ = stripped(text, start, end, classes)
    if phrase_at(text, start, at, end, b"sign-in"):
        at += 7
        for i in range(at, end):
            text[start + i - at] = text[i]
        end = start + end - at
    return end
