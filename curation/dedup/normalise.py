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

from curation.arrays.arrow_text import Bytes
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
OTHER = 255

SEVEN = 7
BYTES = 1 << 13
"""Normalised bytes of words held at once; they stay in the first-level cache."""


class Tables(NamedTuple):
    """What becomes of each code point below LIMIT: its kind and, where ``length`` is not OWN_BYTES, other bytes."""

    kind: npt.NDArray[np.uint8]
    length: npt.NDArray[np.uint8]
    start: npt.NDArray[np.int32]
    pool: npt.NDArray[np.uint8]
    flags: npt.NDArray[np.uint8]
    """[characters instead of words, white space collapsed, marks stripped]"""
    ascii: npt.NDArray[np.uint8]
    """What becomes of a byte in a word: 0 for a space, one byte, or OTHER for what needs a closer look."""


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
    """Seven bytes at a time, as a little-endian number before a 1, each mixed with what came before (SplitMix64).

    One mixing does for most words, where FNV would take a product a byte.
    """
    state = 0
    for start in range(0, max(len(unit), 1), SEVEN):
        state = _mix_int(state ^ int.from_bytes(unit[start : start + SEVEN] + b"\1", "little"))
    return state


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
    ascii = np.full(256, OTHER, dtype=np.uint8)
    for code in range(128):
        if kind[code] & KIND == SPACE:
            ascii[code] = 0
        elif kind[code] & KIND == WORD and length[code] == 1:
            ascii[code] = pool[start[code]] or OTHER
    return Tables(kind, length, start, np.frombuffer(bytes(pool), dtype=np.uint8), flags, ascii)


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


@njit(inline="always")
def restart(state: npt.NDArray[np.uint64], at: int) -> None:
    """The state of ``words`` and ``characters`` before the first unit of a text that begins at ``at``."""
    state[:] = uint64(0)
    state[0] = uint64(at)
    state[3] = uint64(1)


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


@njit(inline="always")
def _up_to_seven(bytes_: npt.NDArray[np.uint64], at: int, count: int) -> int:
    """``count`` bytes from place ``at`` on as a little-endian number before a 1. bytes_: the buffer, eight to a number."""
    block, shift = uint64(at) >> uint64(3), (uint64(at) & uint64(7)) << uint64(3)
    number = (bytes_[block] >> shift) | ((bytes_[block + uint64(1)] << uint64(1)) << (uint64(63) - shift))
    one = uint64(1) << (uint64(count) << uint64(3))
    return (number & (one - uint64(1))) | one


@njit(nogil=True, cache=True)
def words(data: Bytes, end: int, made: Tables, state: npt.NDArray[np.uint64], out: npt.NDArray[np.uint64]) -> int:
    """Hashes of the next words of ``data[state[0]:end]`` into ``out``; how many. All are out when state[0] == end.

    state: uint64[4]: position, whether the open word is a single character, the hash of its full sevens, and its last
    bytes as a number before a 1. First the words' normalised bytes go to a buffer, then each is hashed from there.
    """
    kind, length, start, pool, flags, ascii = made
    at, single = np.int64(state[0]), state[1] != 0
    whole = np.empty(BYTES // 8 + 34, dtype=np.uint64)
    buffer = whole.view(np.uint8)
    ends = np.empty(len(out) + 1, dtype=np.int32)  # of words; words[k] is buffer[ends[k]:ends[k + 1]]
    ends[0] = 0
    n = filled = 0
    while state[3] > uint64(1):
        buffer[filled] = np.uint8(state[3] & uint64(0xFF))
        state[3] >>= uint64(8)
        filled += 1
    room = len(out) - 2
    while at < end and n < room and filled < BYTES:
        if not single:
            # Letters and spaces of ASCII, without a jump that depends on where words end: it would be guessed wrong once
            # a word. Two spaces in a row end a word of no bytes. Indices are unsigned: no test for one from the end.
            stop = at + min(np.int64(end - at), np.int64(room - n), np.int64(BYTES - filled))
            other = False
            while at < stop:
                byte = ascii[uint64(data[uint64(at)])]
                if byte == OTHER:
                    other = True
                    break
                buffer[uint64(filled)] = byte
                filled += np.int64(byte != 0)
                ends[uint64(n + 1)] = filled
                n += np.int64(byte == 0)
                at += 1
            if not other:
                continue
        code, width = decode(data, at, end)
        if code < LIMIT:
            what = kind[code] & KIND
        elif flags[2] and 0xE0100 <= code <= 0xE01EF:
            what = DROP
        else:
            what = WORD
        if what == DROP:
            at += width
            continue
        is_open = filled > ends[n]
        if is_open and what != MARK and (single or what == SINGLE or what == SPACE):
            n += 1
            ends[n] = filled
            is_open = False
        if what == SPACE:
            single = False
            at += width
            continue
        if not is_open:
            single = what == SINGLE
        if what == DIGIT:
            buffer[filled] = 48
            filled += 1
            at = _after_number(data, at, end, kind)
            continue
        if code >= LIMIT or length[code] == OWN_BYTES:
            for j in range(at, at + width):
                buffer[filled] = data[j]
                filled += 1
        else:
            for j in range(start[code], start[code] + length[code]):
                buffer[filled] = pool[j]
                filled += 1
        at += width
    if at >= end:
        n += 1
        ends[n] = filled
    found = 0
    before = state[2]
    for k in range(n):
        first, last = np.int64(ends[uint64(k)]), np.int64(ends[uint64(k + 1)])
        while last - first > SEVEN:
            before = mix(before ^ _up_to_seven(whole, first, SEVEN))
            first += SEVEN
        out[uint64(found)] = mix(before ^ _up_to_seven(whole, first, last - first))
        found += np.int64(last > first)
        before = uint64(0)
    first = np.int64(ends[n])
    while filled - first > SEVEN:
        before = mix(before ^ _up_to_seven(whole, first, SEVEN))
        first += SEVEN
    state[0], state[1], state[2] = uint64(at), uint64(single), before
    state[3] = _up_to_seven(whole, first, filled - first)
    return found


@njit(nogil=True, cache=True)
def characters(data: Bytes, end: int, made: Tables, state: npt.NDArray[np.uint64], out: npt.NDArray[np.uint64]) -> int:
    """As ``words``, but a unit is a character of the normalised text. state[1]: a space is owed; state[2]: not the first."""
    kind, length, start, pool, flags, _ = made
    at = np.int64(state[0])
    owed, begun = state[1] != 0, state[2] != 0
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
            out[n] = mix(uint64(0x100 | 32))
            n += 1
            owed = False
        begun = True
        if what == DIGIT:
            out[n] = mix(uint64(0x100 | 48))
            n += 1
            at = _after_number(data, at, end, kind)
            continue
        own = code >= LIMIT or length[code] == OWN_BYTES
        first = at if own else np.int64(start[code])
        last = first + (width if own else np.int64(length[code]))
        char, one = uint64(0), uint64(1)
        for j in range(first, last):
            byte = data[j] if own else pool[j]
            if j > first and byte & 0xC0 != 0x80:
                out[n] = mix(char | one)
                n += 1
                char, one = uint64(0), uint64(1)
            char |= uint64(byte) * one
            one <<= uint64(8)
        out[n] = mix(char | one)
        n += 1
        at += width
    state[0], state[1], state[2] = uint64(at), uint64(owed), uint64(begun)
    return n
