"""Sentences, counted as spaCy's rule-based sentencizer does over its English tokenizer (datatrove 0.4 and later).

A sentence ends at a mark that is a token of its own; the next token that is no punctuation opens the next one. Tokens
are not made: only what decides whether a mark stands alone is looked at. White space, a new line too, is no border.
Agreement with spaCy is measured in tests/curation/rules/test_c4.py.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from curation.arrays.arrow_text import Bytes
from curation.dedup.normalise import decode
from curation.rules.characters import AFTER_INFIX, ALNUM, BEFORE_INFIX, CATEGORY_P, DECIMAL, LIMIT, MARK, SPACE, UPPER
from curation.rules.lines import last_char
from curation.rules.words import class_at

ABBREVIATIONS = frozenset(
    [
        "Adm.",
        "Ak.",
        "Ala.",
        "Apr.",
        "Ariz.",
        "Ark.",
        "Aug.",
        "Bros.",
        "Calif.",
        "Co.",
        "Colo.",
        "Conn.",
        "Corp.",
        "D.C.",
        "Dec.",
        "Del.",
        "Dr.",
        "E.G.",
        "E.g.",
        "Feb.",
        "Fla.",
        "Ga.",
        "Gen.",
        "Gov.",
        "I.E.",
        "I.e.",
        "Ia.",
        "Id.",
        "Ill.",
        "Inc.",
        "Ind.",
        "Jan.",
        "Jr.",
        "Jul.",
        "Jun.",
        "Kan.",
        "Kans.",
        "Ky.",
        "La.",
        "Ltd.",
        "Mar.",
        "Mass.",
        "Md.",
        "Messrs.",
        "Mich.",
        "Minn.",
        "Miss.",
        "Mo.",
        "Mont.",
        "Mr.",
        "Mrs.",
        "Ms.",
        "Mt.",
        "N.C.",
        "N.D.",
        "N.H.",
        "N.J.",
        "N.M.",
        "N.Y.",
        "Neb.",
        "Nebr.",
        "Nev.",
        "Nov.",
        "Oct.",
        "Okla.",
        "Ore.",
        "Pa.",
        "Ph.D.",
        "Prof.",
        "Rep.",
        "Rev.",
        "S.C.",
        "Sen.",
        "Sep.",
        "Sept.",
        "St.",
        "Tenn.",
        "Va.",
        "Wash.",
        "Wis.",
        "a.m.",
        "co.",
        "e.g.",
        "i.e.",
        "p.m.",
        "v.s.",
        "vs.",
        "ä.",
        "ö.",
        "ü.",
    ]
) | {f"{letter}." for letter in "abcdefghijklmnopqrstuvwxyz"}
"""English words that hold their full stop (spaCy 3, tokenizer exceptions)."""

Codes = npt.NDArray[np.int64]


@lru_cache(maxsize=1)
def packed_abbreviations() -> npt.NDArray[np.uint64]:
    """The abbreviations as sorted numbers: a byte a character, the first one lowest."""
    return np.array(sorted(int.from_bytes(word.encode("latin-1"), "little") for word in ABBREVIATIONS), np.uint64)


@njit(nogil=True, cache=True)
def count_sentences(
    data: Bytes,
    at: int,
    end: int,
    classes: npt.NDArray[np.uint16],
    abbreviations: npt.NDArray[np.uint64],
    codes: Codes,
    starts: Codes,
) -> int:
    """How many sentences ``data[at:end]`` has; 0 without any character but white space.

    codes: room to work in. starts: where each sentence begins goes there, as far as there is room.
    """
    sentences, ended = 0, False
    while at < end:
        what, width = class_at(data, at, end, classes)
        if what & SPACE:
            at += width
            continue
        if sentences == 0:
            sentences = _begun(starts, 0, at)
        elif ended and what & ALNUM:
            sentences, ended = _begun(starts, sentences, at), False
        if not ended:
            # Nothing ends before the next mark: on to the word that it stands in.
            mark = _next_mark(data, at, end, classes)
            if mark >= end:
                break
            letters = mark
            while letters > at and 0x61 <= data[letters - 1] | 0x20 <= 0x7A:
                letters -= 1
            plain = letters < mark and (letters == at or data[letters - 1] == 0x20)
            if plain and data[mark] == 0x2E and (mark + 1 == end or data[mark + 1] == 0x20):
                # By far the most: a word of ASCII letters and its full stop.
                ended = _plain_word_ends(data, letters, mark + 1, abbreviations)
                at = mark + 1
                continue
            at = _word_start(data, at, mark, classes)
        start, marks, all_punctuation, length = at, 0, CATEGORY_P, 0
        while at < end:
            what, width = class_at(data, at, end, classes)
            if what & SPACE:
                break
            marks |= what
            all_punctuation &= what
            length += 1
            at += width
        if not marks & MARK:
            if ended and not all_punctuation:
                sentences, ended = _begun(starts, sentences, start), False
            continue
        if length > len(codes):
            codes = np.empty(2 * length, dtype=np.int64)
        place = start
        for i in range(length):
            codes[i], width = decode(data, place, at)
            place += width
        begin = 0
        for i in range(1, length + 1):
            infix = (
                i < length - 1
                and codes[i] == 0x2E
                and _class(codes[i - 1], classes) & BEFORE_INFIX
                and _class(codes[i + 1], classes) & AFTER_INFIX
            )
            if not infix and i < length:
                continue
            if ended and not _is_punctuation(codes, begin, i, classes):
                place = start
                for _ in range(begin):
                    place += decode(data, place, at)[1]
                sentences, ended = _begun(starts, sentences, place), False
            ended = ended or i < length or _ends(codes, begin, i, classes, abbreviations)
            begin = i + 1
    return sentences


@njit(inline="always")
def _begun(starts: Codes, sentences: int, place: int) -> int:
    """One sentence more, which begins there."""
    if sentences < len(starts):
        starts[sentences] = place
    return sentences + 1


@njit(nogil=True, cache=True)
def _plain_word_ends(data: Bytes, start: int, end: int, abbreviations: npt.NDArray[np.uint64]) -> bool:
    """``_ends`` for ASCII letters and one full stop."""
    if end - start <= 8:
        packed = uint64(0)
        for i in range(end - 1, start - 1, -1):
            packed = (packed << uint64(8)) | uint64(data[i])
        place = np.searchsorted(abbreviations, packed)
        if place < len(abbreviations) and abbreviations[place] == packed:
            return False
    if data[end - 2] & 0x20:
        return True
    return end - start > 2 and not data[end - 3] & 0x20


@njit(nogil=True, cache=True)
def _next_mark(data: Bytes, at: int, end: int, classes: npt.NDArray[np.uint16]) -> int:
    """Where the next mark stands, or ``end``."""
    while at < end:
        byte = data[uint64(at)]
        if byte < 0x80:
            if byte == 0x2E or byte == 0x21 or byte == 0x3F:
                return at
            at += 1
            continue
        what, width = class_at(data, at, end, classes)
        if what & MARK:
            return at
        at += width
    return end


@njit(nogil=True, cache=True)
def _word_start(data: Bytes, start: int, at: int, classes: npt.NDArray[np.uint16]) -> int:
    """Where the word around ``at`` begins, not before ``start``."""
    while at > start:
        before = last_char(data, start, at)
        what, _ = class_at(data, before, at, classes)
        if what & SPACE:
            break
        at = before
    return at


@njit(inline="always")
def _class(code: int, classes: npt.NDArray[np.uint16]) -> Any:
    return np.int64(classes[code]) if code < LIMIT else 0


@njit(nogil=True, cache=True)
def _is_punctuation(codes: Codes, begin: int, end: int, classes: npt.NDArray[np.uint16]) -> bool:
    for i in range(begin, end):
        if not _class(codes[i], classes) & CATEGORY_P:
            return False
    return True


@njit(nogil=True, cache=True)
def _ends(
    codes: Codes, begin: int, end: int, classes: npt.NDArray[np.uint16], abbreviations: npt.NDArray[np.uint64]
) -> bool:
    """Whether a mark stands alone at the end of a word, behind what closes: quotes, brackets, other marks."""
    while end > begin:
        last = codes[end - 1]
        what = _class(last, classes)
        if end - begin == 1 and what & MARK:
            return True
        if last == 0x2E and _holds_its_stop(codes, begin, end, classes, abbreviations):
            return False
        if last == 0x2E and codes[end - 2] == 0x2E:  # an ellipsis is no mark
            while end > begin and codes[end - 1] == 0x2E:
                end -= 1
        elif what & MARK:
            return last != 0x2E or _splits_off(codes, begin, end - 1, classes)
        elif what & ALNUM:
            return False
        elif what & CATEGORY_P:
            end -= 1
        else:
            return False
    return False


@njit(nogil=True, cache=True)
def _holds_its_stop(
    codes: Codes, begin: int, end: int, classes: npt.NDArray[np.uint16], abbreviations: npt.NDArray[np.uint64]
) -> bool:
    """An abbreviation or a time of day (``5a.m.``), behind what opens or not."""
    if _is_abbreviation(codes, begin, end, abbreviations):
        return True
    # ( " ' “ ‘ [
    while begin < end and (
        codes[begin] == 0x28
        or codes[begin] == 0x22
        or codes[begin] == 0x27
        or codes[begin] == 0x201C
        or codes[begin] == 0x2018
        or codes[begin] == 0x5B
    ):
        begin += 1
    if _is_abbreviation(codes, begin, end, abbreviations):
        return True
    if end - begin == 6 and codes[begin] == 0x31:
        begin += 1
    return (
        end - begin == 5
        and _class(codes[begin], classes) & DECIMAL != 0
        and (codes[begin + 1] == 0x61 or codes[begin + 1] == 0x70)
        and codes[begin + 2] == 0x2E
        and codes[begin + 3] == 0x6D
        and codes[begin + 4] == 0x2E
    )


@njit(nogil=True, cache=True)
def _is_abbreviation(codes: Codes, begin: int, end: int, abbreviations: npt.NDArray[np.uint64]) -> bool:
    if end - begin > 8 or end <= begin:
        return False
    packed = uint64(0)
    for i in range(end - 1, begin - 1, -1):
        if codes[i] > 255:
            return False
        packed = (packed << uint64(8)) | uint64(codes[i])
    place = np.searchsorted(abbreviations, packed)
    return place < len(abbreviations) and abbreviations[place] == packed


@njit(nogil=True, cache=True)
def _splits_off(codes: Codes, begin: int, end: int, classes: npt.NDArray[np.uint16]) -> bool:
    """Whether a full stop behind these characters is a token of its own: not behind a single capital (an initial)."""
    if _class(codes[end - 1], classes) & UPPER:
        return end - begin > 1 and _class(codes[end - 2], classes) & UPPER != 0
    return True
