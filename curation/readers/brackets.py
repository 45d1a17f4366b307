"""Where JSON values end, by their brackets alone: the bytes of a stream are looked at once, strings are passed over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

AT_ONCE = 1 << 16


class Brackets:
    """Follows a stream of values. elements: of one array, whose elements are the values; otherwise values in a row.

    The state goes on from block to block: what was looked at is not looked at again.
    """

    def __init__(self, *, elements: bool = False):
        self._outer = int(elements)
        self._state = np.zeros(
            3, dtype=np.int64
        )  # brackets that are open, whether a string is, whether a backslash waits

    @property
    def depth(self) -> int:
        """Brackets that are open."""
        return int(self._state[0])

    @property
    def in_string(self) -> bool:
        """Whether a string is open."""
        return bool(self._state[1])

    def runs(self, data: bytes, at: int = 0, begin: int = 0) -> Iterator[tuple[int, int, int]]:
        """Of ``data[at:]`` the bytes that end a value: the bracket that closes it; of an array its opening bracket, its commas and its
        closing bracket. begin: where the value that is being read began.

        As (begin, end, times): the last of so many values that follow one another and are the same, to the byte that ends them. There
        may be millions. All of the data count as seen once there are no more.
        """
        view = np.frombuffer(data, dtype=np.uint8)
        found = np.empty((AT_ONCE, 3), dtype=np.int64)
        while at < len(view):
            n, at, begin = _scan(view, at, begin, self._state, self._outer, found)
            yield from map(tuple, found[:n].tolist())


@njit(nogil=True, cache=True)
def _scan(
    data: npt.NDArray[np.uint8],
    at: int,
    begin: int,
    state: npt.NDArray[np.int64],
    outer: int,
    found: npt.NDArray[np.int64],
) -> Any:
    depth, string, escaped = state[0], state[1], state[2]
    n = 0
    while at < len(data) and n < len(found):
        byte = data[at]
        ends = False
        if string:
            if escaped:
                escaped = 0
            elif byte == 0x5C:
                escaped = 1
            elif byte == 0x22:
                string = 0
        elif byte == 0x22:
            string = 1
        elif byte == 0x7B or byte == 0x5B:
            depth += 1
            ends = depth == outer
        elif byte == 0x7D or byte == 0x5D:
            depth = max(depth - 1, 0)
            ends = depth == 0
        elif byte == 0x2C:
            ends = outer == 1 and depth == 1
        if ends:
            same = n > 0 and found[n - 1, 1] - found[n - 1, 0] == at - begin
            if same:
                before = found[n - 1, 0] - begin
                for place in range(begin, at + 1):
                    if data[place] != data[place + before]:
                        same = False
                        break
            if same:
                found[n - 1, 2] += 1
            else:
                found[n, 2] = 1
                n += 1
            found[n - 1, 0], found[n - 1, 1] = begin, at
            begin = at + 1
        at += 1
    state[0], state[1], state[2] = depth, string, escaped
    return n, at, begin
