"""C4's line and document rules (Raffel et al. 2020), decision, reason and text as datatrove 0.10.1's C4QualityFilter.

Lines are dropped and cleaned, which rewrites the text; what remains must have enough sentences. By its defaults it is
datatrove's: `'` ends a line too, three words a line, five sentences a page. The first code (TFDS) and Dolma's tagger are
settings: `end_marks`, `words_after_citations`, `max_chars`, `whole_document` (see the presets).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit, uint8, uint64

from curation.arrays.arrow_text import Bytes, Offsets, from_buffers
from curation.rules.characters import DECIMAL, LINE_END, SPACE
from curation.rules.lines import is_at, phrase_at, stripped
from curation.rules.measured import Block, Floats, Measured, Rule
from curation.rules.sentences import count_sentences, packed_abbreviations
from curation.rules.words import class_at
from schemas.rules import C4

EDITS = (
    "c4_too_long_word",
    "c4_citation",
    "c4_no_terminal_punctuation",
    "c4_too_few_words",
    "c4_javascript",
    "c4_policy",
)
TOO_LONG_WORD, CITATION, NO_TERMINAL, TOO_FEW_WORDS, JAVASCRIPT_LINE, POLICY_LINE = range(6)
LOREM, JAVASCRIPT, POLICY, KELVIN = 1, 2, 4, 8


def rules(params: C4) -> list[Rule]:
    """The rules in the order of the columns; a document that one of the first ends is measured no further."""
    return [
        Rule("too_many_chars", ">", params.max_chars),
        Rule("lorem_ipsum", ">", 0.0 if params.lorem_ipsum else None),
        Rule("javascript", ">", 0.0 if params.javascript and params.whole_document else None),
        Rule("curly_bracket", ">", 0.0 if params.curly_bracket else None),
        Rule("too_few_sentences", "<", params.min_sentences),
    ]


def c4_quality(block: Block, params: C4) -> Measured:
    """The text with the lines that stay, what the document rules measured, and lines edited by rule."""
    asked = rules(params)
    values = block.nothing(asked)
    data, offsets, words = block.data, block.offsets, block.words
    edits = np.zeros((len(block), len(EDITS)), dtype=np.int64)
    out = np.empty(int(offsets[-1] - offsets[0]) + 1, dtype=np.uint8)
    out_offsets = np.zeros(len(block) + 1, dtype=np.int64)
    switches = np.array(
        [
            params.remove_citations,
            params.terminal_punctuation,
            params.lorem_ipsum,
            params.javascript,
            params.curly_bracket,
            params.policy,
            params.min_sentences is not None,
            params.words_after_citations,
            params.whole_document,
            params.max_chars is not None,
            params.ellipsis_ends_no_line,
        ]
    )
    marks = np.frombuffer(params.end_marks.encode("ascii"), dtype=np.uint8)
    _rewrite(
        data,
        offsets,
        block.classes,
        words.first,
        words.start,
        words.chars,
        block.alive,
        switches,
        marks,
        -1 if params.max_word_length is None else params.max_word_length,
        params.min_words_per_line or 0,
        packed_abbreviations(),
        out,
        out_offsets,
        edits,
        (params.max_chars or 0, params.min_sentences or 0),
        values,
    )
    changed = {name: edits[:, i] for i, name in enumerate(EDITS)}
    return Measured(asked, values, from_buffers(out, out_offsets), changed)


MAY_END, BRACKET, ANCHOR, CURLY = 1, 2, 4, 8


@njit(nogil=True, cache=True)
def _bits(classes: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """uint8[256]: what a byte may be the first of: a line end, a citation, a phrase's rare letter, a curly bracket."""
    bits = np.zeros(256, dtype=np.uint8)
    for byte in range(128):
        if classes[byte] & LINE_END:
            bits[byte] = MAY_END
    bits[0xC2] = MAY_END  # U+0085
    bits[0xE2] = MAY_END | ANCHOR  # U+2028, U+2029; the Kelvin sign
    bits[0x5B] = BRACKET
    bits[0x7B] = CURLY
    for letter in b"jmvfkJMVFK":
        bits[letter] = ANCHOR
    return bits


@njit(nogil=True, cache=True)
def _rewrite(
    data: Bytes,
    offsets: Offsets,
    classes: npt.NDArray[np.uint16],
    first_word: npt.NDArray[np.int64],
    word_start: npt.NDArray[np.int64],
    word_chars: npt.NDArray[np.int32],
    alive: npt.NDArray[np.bool_],
    switches: npt.NDArray[np.bool_],
    marks: Bytes,
    max_word: int,
    min_words: int,
    abbreviations: npt.NDArray[np.uint64],
    out: Bytes,
    out_offsets: Offsets,
    edits: npt.NDArray[np.int64],
    limits: tuple[int, int],
    values: Floats,
) -> None:
    citations, terminal, lorem, javascript, curly, policy = (
        switches[0],
        switches[1],
        switches[2],
        switches[3],
        switches[4],
        switches[5],
    )
    count_them, recount, whole, bounded, no_ellipsis = switches[6], switches[7], switches[8], switches[9], switches[10]
    bits = _bits(classes)
    codes, no_starts = np.empty(4096, dtype=np.int64), np.empty(0, dtype=np.int64)
    to = 0
    for row in range(len(alive)):
        out_offsets[row] = to
        at, end = offsets[row], offsets[row + 1]
        if not alive[row]:
            to = _copy(data, at, end, out, to)
            continue
        begin_text = to
        start_text = at
        suspect = may_hold_phrases(data[at:end])
        if bounded:
            chars = 0
            for i in range(at, end):
                chars += data[i] & 0xC0 != 0x80
            values[row, 0] = chars
        if whole:
            # The phrases are looked for in a copy: the arrays a kernel is given may not be writable.
            for i in range(end - at):
                out[to + i] = data[at + i]
            found = phrases(out, to, to + end - at, bits)
            values[row, 1], values[row, 2] = 1.0 if found & LOREM else 0.0, 1.0 if found & JAVASCRIPT else 0.0
            values[row, 3] = _count(out, to, to + end - at, 0x7B)
        word, last_word = first_word[row], first_word[row + 1]
        sentences, over = 0, False
        while at < end and not over:
            line_start = at
            line_end, width, seen = at, 0, 0
            while line_end < end:
                kind = bits[data[uint64(line_end)]]
                seen |= kind
                if not kind & MAY_END:
                    line_end += 1
                    continue
                what, width = class_at(data, line_end, end, classes)
                if what & LINE_END:
                    break
                line_end += width
                width = 0
            at = line_end + width
            if width == 1 and data[line_end] == 0x0D and at < end and data[at] == 0x0A:
                at += 1
            n_words, longest = 0, 0
            while word < last_word and word_start[word] < line_end:
                n_words += 1
                longest = max(longest, word_chars[word])
                word += 1
            start, stop = stripped(data, line_start, line_end, classes)
            if max_word >= 0 and longest > max_word:
                edits[row, TOO_LONG_WORD] += 1
                continue
            # The line is written as if it stayed; what is not kept is written over.
            line = to + 1 if to > begin_text else to
            finish, cut = _write(data, start, stop, classes, citations and seen & BRACKET != 0, out, line)
            edits[row, CITATION] += cut
            if terminal:
                ends = False
                if finish > line:
                    for i in range(len(marks)):
                        ends = ends or out[finish - 1] == marks[i]
                    if no_ellipsis and finish - line >= 3:
                        dots = out[finish - 1] == 0x2E and out[finish - 2] == 0x2E and out[finish - 3] == 0x2E
                        ends = ends and not dots
                if not ends:
                    edits[row, NO_TERMINAL] += 1
                    continue
            if recount:
                n_words = _runs(out, line, finish, classes)
            if n_words < min_words:
                edits[row, TOO_FEW_WORDS] += 1
                continue
            found = phrases(out, line, finish, bits) if (suspect or cut) and seen & ANCHOR else 0
            if lorem and not whole:
                values[row, 1] = 1.0 if found & LOREM else 0.0
                if found & LOREM:
                    over = True
                    continue
            if javascript and not whole and found & JAVASCRIPT:
                edits[row, JAVASCRIPT_LINE] += 1
                continue
            if curly and not whole:
                brackets = _count(out, line, finish, 0x7B) if seen & CURLY else 0
                values[row, 3] = brackets
                if brackets:
                    over = True
                    continue
            if policy and found & POLICY:
                edits[row, POLICY_LINE] += 1
                continue
            if count_them:
                sentences += count_sentences(out, line, finish, classes, abbreviations, codes, no_starts)
            if line > to:
                out[to] = 0x0A
            elif finish == line and to == begin_text:
                # An empty first line: what follows begins with a line end, which is stripped anyway.
                continue
            to = finish
        if count_them and not over:
            values[row, 4] = sentences
            over = sentences < limits[1]
        if whole:
            over = over or (lorem and values[row, 1] > 0) or (javascript and values[row, 2] > 0)
            over = over or (curly and values[row, 3] > 0)
        if over or (bounded and values[row, 0] > limits[0]):  # a dropped document keeps its text
            to = _copy(data, start_text, end, out, begin_text)
            continue
        begin, to = stripped(out, begin_text, to, classes)
        if begin > begin_text:
            for i in range(to - begin):
                out[begin_text + i] = out[begin + i]
            to = begin_text + to - begin
    out_offsets[len(alive)] = to


@njit(nogil=True, cache=True)
def _copy(data: Bytes, start: int, end: int, out: Bytes, to: int) -> int:
    out[to : to + end - start] = data[start:end]
    return to + end - start


@njit(nogil=True, cache=True)
def _write(
    data: Bytes, start: int, stop: int, classes: npt.NDArray[np.uint16], citations: bool, out: Bytes, to: int
) -> tuple[int, int]:
    """Copy a line without ``[1]``, ``[edit]``, ``[citation needed]``; where it ends, and how many were cut."""
    cut = 0
    at = copied = start
    while citations and at < stop:
        if data[at] == 0x5B:
            after = _after_citation(data, at, stop, classes)
            if after > at:
                cut += 1
                out[to : to + at - copied] = data[copied:at]
                to += at - copied
                at = copied = after
                continue
        at += 1
    out[to : to + stop - copied] = data[copied:stop]
    return to + stop - copied, cut


@njit(nogil=True, cache=True)
def _after_citation(data: Bytes, at: int, stop: int, classes: npt.NDArray[np.uint16]) -> int:
    """Where the citation that begins at ``at`` ends; ``at`` where none does."""
    place = at + 1
    while place < stop:
        what, width = class_at(data, place, stop, classes)
        if not what & DECIMAL:
            break
        place += width
    if place < stop and data[place] == 0x5D:
        return place + 1
    if is_at(data, at + 1, stop, b"edit]"):
        return at + 6
    if is_at(data, at + 1, stop, b"citation needed]"):
        return at + 17
    return at


@njit(nogil=True, cache=True)
def may_hold_phrases(text: Bytes) -> bool:
    """False where none of the phrases can stand: a loop over bytes alone, without a branch, so that it is vectorised."""
    if len(text) < 10:
        return False
    for i in range(4):  # what the windows below do not reach back to
        letter = text[i] | 0x20
        if letter == 0x6A or letter == 0x6B or letter == 0x76:
            return True
    n = len(text)
    small = uint8(0x20)
    fourth, third, before = text[: n - 6], text[1 : n - 5], text[3 : n - 3]
    here, after, next_but_one = text[4 : n - 2], text[5 : n - 1], text[6:n]
    found = uint8(0)
    for i in range(len(here)):
        c, b, d = uint8(here[i] | small), uint8(before[i] | small), uint8(next_but_one[i] | small)
        t, q, a = uint8(third[i] | small), uint8(fourth[i] | small), uint8(after[i] | small)
        # jav, c.oki, p.iv.c, lo.em, ms.of.u, and the bytes of the Kelvin sign
        j = uint8(c == uint8(0x6A)) & uint8(a == uint8(0x61)) & uint8(d == uint8(0x76))
        k = uint8(c == uint8(0x6B)) & uint8(b == uint8(0x6F)) & uint8(t == uint8(0x63)) & uint8(a == uint8(0x69))
        v = uint8(c == uint8(0x76)) & uint8(b == uint8(0x69)) & uint8(t == uint8(0x70)) & uint8(d == uint8(0x63))
        m = uint8(c == uint8(0x6D)) & uint8(b == uint8(0x65)) & uint8(t == uint8(0x6F)) & uint8(q == uint8(0x6C))
        f = uint8(c == uint8(0x66)) & uint8(b == uint8(0x6F)) & uint8(q == uint8(0x6D)) & uint8(d == uint8(0x75))
        kelvin = uint8(here[i] == uint8(0x84)) & uint8(after[i] == uint8(0xAA))
        found = uint8(found | uint8(j | k | v | m | f | kelvin))
    return found != uint8(0)


@njit(nogil=True, cache=True)
def phrases(data: Bytes, start: int, end: int, bits: npt.NDArray[np.uint8]) -> int:
    """Which of the phrases stand in lower-cased ``data[start:end]``, as bits."""
    found = _phrases(data, start, end, bits)
    if found & KELVIN:  # its lower case is a plain k
        found = _phrases(_without_kelvin(data, start, end), 0, end - start, bits)
    return found


@njit(nogil=True, cache=True)
def _phrases(data: Bytes, start: int, end: int, bits: npt.NDArray[np.uint8]) -> int:
    """Each phrase is looked for at a letter of it that is rare; also whether there is a Kelvin sign."""
    found = 0
    for i in range(start, end):
        if not bits[data[i]] & ANCHOR:
            continue
        letter = data[i] | 0x20
        if letter == 0x6A:  # j
            if i + 1 < end and data[i + 1] | 0x20 == 0x61 and phrase_at(data, start, i, end, b"javascript"):
                found |= JAVASCRIPT
        elif letter == 0x6D:  # m
            if i - 4 >= start and data[i - 4] | 0x20 == 0x6C and phrase_at(data, start, i - 4, end, b"lorem ipsum"):
                found |= LOREM
        elif letter == 0x76:  # v
            if i - 3 >= start and data[i - 3] | 0x20 == 0x70 and phrase_at(data, start, i - 3, end, b"privacy policy"):
                found |= POLICY
        elif letter == 0x66:  # f
            if i - 7 >= start and data[i - 4] | 0x20 == 0x6D and phrase_at(data, start, i - 7, end, b"terms of use"):
                found |= POLICY
        elif letter == 0x6B:  # k
            if (i - 3 >= start and data[i - 3] | 0x20 == 0x63) and (
                phrase_at(data, start, i - 3, end, b"cookie policy")
                or phrase_at(data, start, i - 8, end, b"uses cookies")
                or phrase_at(data, start, i - 10, end, b"use of cookies")
                or phrase_at(data, start, i - 7, end, b"use cookies")
            ):
                found |= POLICY
        elif data[i] == 0xE2 and i + 2 < end and data[i + 1] == 0x84 and data[i + 2] == 0xAA:
            found |= KELVIN
    return found


@njit(nogil=True, cache=True)
def _without_kelvin(data: Bytes, start: int, end: int) -> Bytes:
    """A copy with ``k`` for the Kelvin sign, filled up with zeros to the same length."""
    copy = np.zeros(end - start, dtype=np.uint8)
    at, to = start, 0
    while at < end:
        if data[at] == 0xE2 and at + 2 < end and data[at + 1] == 0x84 and data[at + 2] == 0xAA:
            copy[to] = 0x6B
            at += 3
        else:
            copy[to] = data[at]
            at += 1
        to += 1
    return copy


@njit(nogil=True, cache=True)
def _count(data: Bytes, start: int, end: int, wanted: int) -> int:
    count = 0
    for i in range(start, end):
        count += data[i] == wanted
    return count


@njit(nogil=True, cache=True)
def _runs(data: Bytes, start: int, end: int, classes: npt.NDArray[np.uint16]) -> int:
    """Runs between white space."""
    runs, inside = 0, False
    while start < end:
        what, width = class_at(data, start, end, classes)
        space = what & SPACE != 0
        runs += not space and not inside
        inside = not space
        start += width
    return runs
