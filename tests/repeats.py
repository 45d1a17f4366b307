"""Texts that repeat themselves and each other in every way that we could think of, and what a suffix array says of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz     ", np.uint8)
SCRIPTS = [
    "абвгд",
    "αβγδε",
    "あいうえ",
    "漢字文化",
    "עברית",
    "عربي",
    "हिन्दी",
    "ไทย",
    "한국",
    "ქართ",
    "հայե",
    "বাংলা",
    "தமிழ்",
    "አማር",
    "latin",
]
Mask = npt.NDArray[np.bool_]


def _pieces(text: bytes, size: int = 20_000) -> list[bytes]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def made_sets(size: int) -> dict[str, Callable[[], list[bytes]]]:
    """By name, documents of about ``size`` bytes together, all of them valid UTF-8."""
    draw, rng = random.Random(0), np.random.default_rng(0)

    def text(n: int) -> bytes:
        return rng.choice(LETTERS, n).tobytes()

    def shuffled(fragments: int) -> list[bytes]:
        all_of = [text(600) for _ in range(fragments)]
        return [b"".join(draw.choices(all_of, k=20)) for _ in range(size // 12_000 + 1)]

    def head() -> list[bytes]:
        common = text(2000)
        return [common + text(2000) for _ in range(size // 4000 + 1)]

    def copies() -> list[bytes]:
        half = text(size // 2)
        return [*_pieces(half), *_pieces(half, 17_777)]

    def nested() -> list[bytes]:
        found: list[bytes] = []
        one, held = text(300), 0
        while held < size:
            one = text(300) if len(one) > 30_000 else one + text(20) + one[: len(one) // 2] + one
            found.append(one)
            held += len(one)
        return found

    def scripts() -> list[bytes]:
        some = ["".join(draw.choices(script + " ", k=400)) for script in SCRIPTS for _ in range(4)]
        return ["".join(draw.choices(some, k=8)).encode() for _ in range(size // 8000 + 1)]

    def rules() -> list[bytes]:
        return [
            b"".join(b"-" * draw.randrange(20, 300) + text(draw.randrange(5, 30)) for _ in range(60))
            for _ in range(size // 10_000 + 1)
        ]

    return {
        "one letter": lambda: _pieces(b"a" * size, 1_000_000),
        "period 7": lambda: _pieces((b"abcdef " * (size // 7 + 1))[:size], 300_000),
        "common head of 2 kB": head,
        "shuffled fragments, 200": lambda: shuffled(200),
        "shuffled fragments, 12": lambda: shuffled(12),
        "random bytes as text": lambda: _pieces(rng.integers(32, 127, size, dtype=np.uint8).tobytes()),
        "two copies": copies,
        "nested repeats": nested,
        "15 scripts": scripts,
        "ruled lines": rules,
    }


def stood_before(documents: Sequence[bytes], length: int) -> Mask:
    """By a suffix array: the bytes of all documents, one after the other, that are inside a window of ``length`` bytes that stood
    before; bool[bytes]. Needs ``pydivsufsort``."""
    import pydivsufsort

    data = np.frombuffer(b"".join(documents), np.uint8).copy()
    sizes = [len(one) for one in documents]
    whole = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(data)) >= length
    order = pydivsufsort.divsufsort(data)
    common = pydivsufsort.kasai(data, order)
    new = np.r_[True, common[: len(order) - 1] < length]
    first = np.minimum.reduceat(np.where(whole[order], order, len(data)), np.flatnonzero(new))
    again = order[whole[order] & (order > first[np.cumsum(new) - 1])]
    edges = np.zeros(len(data) + 1, dtype=np.int64)
    np.add.at(edges, again, 1)
    np.add.at(edges, again + length, -1)
    found: Mask = np.cumsum(edges)[:-1] > 0
    return found


def by_hand(documents: Sequence[bytes], length: int, *, all_of_them: bool = False) -> Mask:
    """The same by a table of all windows; all_of_them: first occurrences of what stands again as well."""
    times: dict[bytes, int] = {}
    for one in documents:
        for at in range(len(one) - length + 1):
            window = one[at : at + length]
            times[window] = times.get(window, 0) + 1
    masks, seen = [np.zeros(0, dtype=bool)], set[bytes]()
    for one in documents:
        mask = np.zeros(len(one), dtype=bool)
        for at in range(len(one) - length + 1):
            window = one[at : at + length]
            if window in seen or (all_of_them and times[window] > 1):
                mask[at : at + length] = True
            seen.add(window)
        masks.append(mask)
    return np.concatenate(masks)


def whole_characters(documents: Sequence[bytes], mask: Mask) -> Mask:
    """The mask without the characters that it divides."""
    data = np.frombuffer(b"".join(documents), np.uint8)
    lead = np.flatnonzero(data & 0xC0 != 0x80)
    divided: Any = np.add.reduceat(mask.astype(np.int64), lead) if len(lead) else np.zeros(0, dtype=np.int64)
    sizes = np.diff(np.r_[lead, len(data)])
    return np.repeat(divided == sizes, sizes)
