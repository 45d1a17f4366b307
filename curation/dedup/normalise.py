"""Normalised text as a stream of units (words or characters), each a 64-bit hash, straight from UTF-8 bytes.

The normalisation is FineWeb's (datatrove's ``simplify_text``): lower case; a number, with at most one decimal part,
becomes ``0``; punctuation and control characters become spaces; runs of white space become one space; NFD without
non-spacing marks. Each step can be left out. One difference: lower-casing goes character by character, so that a
final sigma is a sigma.

Words are what spaces separate, but in scripts written without spaces (Unicode line-breaking classes ID and SA, and
Tibetan) each character, with the marks that follow it, is a word of its own.

``normalised`` and ``units_of`` say the same in plain Python: they are the definition, the kernel is held to them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from curation.arrow_text import Bytes
from curation.rules.characters import CCNET, CONTROLS
from schemas.dedup import Normalise

PUNCTUATION = CCNET | CONTROLS | frozenset("!.?。．！？")
"""What becomes a space: datatrove's 129 characters."""

NUMBER_SEPARATORS = ".,،٫⎖⎗⎘"

WITHOUT_SPACES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19DF),  # Tai Le, New Tai Lue
    (0x1A20, 0x1AAF),  # Tai Tham
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),  # ideographic marks
    (0x3021, 0x3029),
    (0x3041, 0x30FF),  # kana
    (0x3105, 0x312F),  # Bopomofo
    (0x31A0, 0x31BF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA000, 0xA4CF),  # Yi
    (0xA9E0, 0xA9FF),
    (0xAA60, 0xAADF),  # Myanmar, Tai Viet
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9D),  # half-width kana
    (0x11700, 0x1174F),  # Ahom
    (0x1B000, 0x1B16F),
    (0x20000, 0x3FFFF),
)
"""Code points (first, last) of scripts in which each character counts as a word."""

WORD, SPACE, SINGLE, MARK, DROP, DIGIT = 0, 1, 2, 3, 4, 5
SEPARATES_NUMBER = 8
KIND = 7
LIMIT = 0x40000
OWN_BYTES = 255

FNV_OFFSET = 0xCBF29CE484222325
FNV_PRIME = 0x100000001B3


class Tables(NamedTuple):
    """What becomes of each code point below LIMIT: its kind and, where ``length`` is not OWN_BYTES, other bytes."""

    kind: npt.NDArray[np.uint8]
    length: npt.NDArray[np.uint8]
    start: npt.NDArray[np.int32]
    pool: npt.NDArray[np.uint8]
    flags: npt.NDArray[np.uint8]
    """[characters instead of words, white space collapsed, marks stripped]"""


def _is_single(code: int) -> bool:
    return any(first <= code <= last for first, last in WITHOUT_SPACES)


def _strip(text: str) -> str:
    """NFD without non-spacing marks."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


def _lower(text: str) -> str:
    return "".join(c.lower() for c in text).replace("ς", "σ")


def normalised(text: str, options: Normalise) -> str:
    """The text as it is compared (reference; slow)."""
    if options.case:
        text = _lower(text)
    if options.digits:
        text = _numbers(text)
    if options.punctuation:
        text = "".join(" " if c in PUNCTUATION else c for c in text)
    if options.accents:
        text = "".join(c if c.isspace() else _strip(c) for c in text)
    if options.whitespace:
        text = " ".join(text.split())
    return text


_NUMBER = re.compile(rf"\d+(?:[{NUMBER_SEPARATORS}]\d+)?")


def _numbers(text: str) -> str:
    return _NUMBER.sub("0", text)


def units_of(text: str, options: Normalise, unit: str = "words") -> list[str]:
    """The units that shingles are made of (reference; slow)."""
    text = normalised(text, options)
    if unit == "characters":
        return list(text)
    words: list[str] = []
    single = False
    for run in text.split():
        first = True
        for c in run:
            mine = _is_single(ord(c))
            mark = mine and unicodedata.category(c).startswith("M")
            if first or (not mark and (mine or single)):
                words.append(c)
                single = mine and not mark
            else:
                words[-1] += c
            first = False
        single = False
    return words


def unit_hash(unit: bytes) -> int:
    """FNV-1a (64 bits) of the bytes, through SplitMix64's finaliser."""
    state = FNV_OFFSET
    for byte in unit:
        state = ((state ^ byte) * FNV_PRIME) % 2**64
    return _mix_int(state)


def _mix_int(x: int) -> int:
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
    return x ^ (x >> 31)


# Blocks that nothing happens in: skipped when the tables are made.
_PLAIN = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xD800, 0xF8FF),
    (0x17000, 0x18CFF),
    (0x20000, 0x2F7FF),
    (0x2FA20, LIMIT),
)


@lru_cache(maxsize=16)
def tables(options: Normalise, unit: str = "words") -> Tables:
    """The tables for a choice of options; made once a process, in about a fifth of a second."""
    kind = np.zeros(LIMIT, dtype=np.uint8)
    length = np.full(LIMIT, OWN_BYTES, dtype=np.uint8)
    start = np.zeros(LIMIT, dtype=np.int32)
    pool = bytearray()
    for first, last in WITHOUT_SPACES:
        kind[first : min(last + 1, LIMIT)] = SINGLE
    code = 0
    while code < LIMIT:
        block = next((last for first, last in _PLAIN if first <= code <= last), None)
        if block is not None:
            code = block + 1
            continue
        char = chr(code)
        what, becomes = _entry(char, options)
        kind[code] = what | (SEPARATES_NUMBER if options.digits and char in NUMBER_SEPARATORS else 0)
        if becomes != char or code < 128:
            encoded = becomes.encode()
            start[code], length[code] = len(pool), len(encoded)
            pool += encoded
        code += 1
    flags = np.array([unit == "characters", options.whitespace, options.accents], dtype=np.uint8)
    return Tables(kind, length, start, np.frombuffer(bytes(pool), dtype=np.uint8), flags)


def _entry(char: str, options: Normalise) -> tuple[int, str]:
    """Kind of a code point, and what it becomes."""
    lowered = _lower(char) if options.case else char
    if options.digits and char.isdecimal():
        return DIGIT, "0"
    if options.punctuation and lowered in PUNCTUATION:
        return SPACE, " "
    if lowered.isspace():
        return SPACE, lowered
    becomes = _strip(lowered) if options.accents else lowered
    if not becomes:
        return DROP, ""
    if becomes.isspace():
        return SPACE, becomes
    code = ord(becomes[0])
    if not _is_single(code):
        return WORD, becomes
    return (MARK if unicodedata.category(becomes[0]).startswith("M") else SINGLE), becomes


@njit(inline="always")
def mix(x: int) -> int:
    """SplitMix64's finaliser: a bijection of 64 bits."""
    x = (x ^ (x >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> uint64(27))) * uint64(0x94D049BB133111EB)
    return x ^ (x >> uint64(31))


@njit(nogil=True, cache=True)
def decode(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """Code point and length of the character at ``at``; a byte that begins none counts as itself."""
    lead = data[at]
    if lead < 0x80:
        return np.int64(lead), 1
    if lead >= 0xF0 and at + 3 < end:
        code = (
            ((np.int64(lead) & 7) << 18)
            | ((np.int64(data[at + 1]) & 63) << 12)
            | ((np.int64(data[at + 2]) & 63) << 6)
            | (np.int64(data[at + 3]) & 63)
        )
        return code, 4
    if lead >= 0xE0 and at + 2 < end:
        return ((np.int64(lead) & 15) << 12) | ((np.int64(data[at + 1]) & 63) << 6) | (np.int64(data[at + 2]) & 63), 3
    if lead >= 0xC0 and at + 1 < end:
        return ((np.int64(lead) & 31) << 6) | (np.int64(data[at + 1]) & 63), 2
    return np.int64(LIMIT), 1


@njit(nogil=True, cache=True)
def _after_number(data: Bytes, at: int, end: int, kind: npt.NDArray[np.uint8]) -> int:
    """Where a number ends that has a digit at ``at``: digits, then at most one separator with digits after it."""
    for part in range(2):
        while at < end:
            code, width = decode(data, at, end)
            if code >= LIMIT or kind[code] & KIND != DIGIT:
                break
            at += width
        if part == 0 and at < end:
            code, width = decode(data, at, end)
            if code >= LIMIT or kind[code] & SEPARATES_NUMBER == 0 or at + width >= end:
                break
            code, _ = decode(data, at + width, end)
            if code >= LIMIT or kind[code] & KIND != DIGIT:
                break
            at += width
    return at


@njit(nogil=True, cache=True)
def words(
    data: Bytes,
    end: int,
    kind: npt.NDArray[np.uint8],
    length: npt.NDArray[np.uint8],
    start: npt.NDArray[np.int32],
    pool: npt.NDArray[np.uint8],
    flags: npt.NDArray[np.uint8],
    state: npt.NDArray[np.uint64],
    out: npt.NDArray[np.uint64],
) -> int:
    """Hashes of the next words of ``data[state[0]:end]`` into ``out``; how many. All are out when state[0] == end.

    state: uint64[4]: position, whether a word is open, whether it is a single character, its FNV-1a so far.
    """
    at = np.int64(state[0])
    is_open, single = state[1] != 0, state[2] != 0
    word = state[3]
    prime, offset = uint64(FNV_PRIME), uint64(FNV_OFFSET)
    n = 0
    room = len(out) - 1
    while at < end and n < room:
        byte = data[uint64(at)]  # unsigned: no test for an index from the end
        if byte < 0x80:
            what = kind[byte] & KIND
            if what == WORD:
                if is_open and single:
                    out[n] = mix(word)
                    n += 1
                    is_open = False
                if not is_open:
                    is_open, single, word = True, False, offset
                word = (word ^ uint64(pool[uint64(start[byte])])) * prime
                at += 1
                continue
            if what == SPACE:
                if is_open:
                    out[uint64(n)] = mix(word)
                    n += 1
                    is_open = False
                at += 1
                continue
            code, width = np.int64(byte), 1
        else:
            code, width = decode(data, at, end)
            if code < LIMIT:
                what = kind[code] & KIND
            elif flags[2] and 0xE0100 <= code <= 0xE01EF:
                what = DROP
            else:
                what = WORD
        if what == SPACE:
            if is_open:
                out[n] = mix(word)
                n += 1
                is_open = False
            at += width
            continue
        if what == DROP:
            at += width
            continue
        if is_open and what != MARK and (single or what == SINGLE):
            out[n] = mix(word)
            n += 1
            is_open = False
        if not is_open:
            is_open, single, word = True, what == SINGLE, offset
        if what == DIGIT:
            word = (word ^ uint64(48)) * prime
            at = _after_number(data, at, end, kind)
            continue
        if code >= LIMIT or length[code] == OWN_BYTES:
            for j in range(at, at + width):
                word = (word ^ uint64(data[j])) * prime
        else:
            for j in range(start[code], start[code] + length[code]):
                word = (word ^ uint64(pool[j])) * prime
        at += width
    if at >= end and is_open:
        out[n] = mix(word)
        n += 1
        is_open = False
    state[0], state[1], state[2], state[3] = uint64(at), uint64(is_open), uint64(single), word
    return n


@njit(nogil=True, cache=True)
def characters(
    data: Bytes,
    end: int,
    kind: npt.NDArray[np.uint8],
    length: npt.NDArray[np.uint8],
    start: npt.NDArray[np.int32],
    pool: npt.NDArray[np.uint8],
    flags: npt.NDArray[np.uint8],
    state: npt.NDArray[np.uint64],
    out: npt.NDArray[np.uint64],
) -> int:
    """As ``words``, but a unit is a character of the normalised text. state[1]: a space is owed; state[2]: not the first."""
    at = np.int64(state[0])
    owed, begun = state[1] != 0, state[2] != 0
    prime, offset = uint64(FNV_PRIME), uint64(FNV_OFFSET)
    n = 0
    room = len(out) - 20  # a code point becomes at most 18 characters
    while at < end and n < room:
        code, width = decode(data, at, end)
        what = WORD
        if code < LIMIT:
            what = kind[code] & KIND
        elif flags[2] and 0xE0100 <= code <= 0xE01EF:
            what = DROP
        if what == DROP:
            at += width
            continue
        if what == SPACE and flags[1]:
            owed = begun
            at += width
            continue
        if owed:
            out[n] = mix((offset ^ uint64(32)) * prime)
            n += 1
            owed = False
        begun = True
        if what == DIGIT:
            out[n] = mix((offset ^ uint64(48)) * prime)
            n += 1
            at = _after_number(data, at, end, kind)
            continue
        own = code >= LIMIT or length[code] == OWN_BYTES
        first = at if own else np.int64(start[code])
        last = first + (width if own else np.int64(length[code]))
        char = offset
        for j in range(first, last):
            byte = data[j] if own else pool[j]
            if j > first and byte & 0xC0 != 0x80:
                out[n] = mix(char)
                n += 1
                char = offset
            char = (char ^ uint64(byte)) * prime
        out[n] = mix(char)
        n += 1
        at += width
    state[0], state[1], state[2] = uint64(at), uint64(owed), uint64(begun)
    return n
