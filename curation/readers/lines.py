"""Bytes to lines: the range of a file whose lines start in it, and lines of any length with bounded memory.

A line ends with LF; a CR before it is white space to JSON. U+2028 and the like end no line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from curation import storage
from curation.readers.compression import StreamFault, decompressed, members
from curation.readers.formats import HEAD_BYTES, TITLES, foreign

BOM = b"\xef\xbb\xbf"
_BLANK = re.compile(rb"\n[ \t\r\n]*\n")
INTO_BITS = 32
"""A place in a compressed file is a number, as in BGZF (SAM specification, 4.1.1): where a member or frame begins in the file, and,
in the lower bits, how many bytes into its text."""


def text_blocks(url: str, format: str, compression: str | None) -> Iterator[bytes]:
    """The plain bytes of a text file, without a byte-order mark.

    Raises StreamFault for what is no UTF-8 text at all (by its first bytes), or where decompression ends early.
    """
    blocks = decompressed(storage.blocks(url), compression)
    head = b""
    fault: StreamFault | None = None
    try:
        for block in blocks:
            head += block
            if len(head) >= HEAD_BYTES:
                break
    except StreamFault as stopped:
        fault = stopped
    what = foreign(head)
    if what is not None:
        raise StreamFault(f"not {TITLES[format]}: {what}")
    head = head.removeprefix(BOM)
    if head:
        yield head
    if fault is not None:
        raise fault
    yield from blocks


def without_bom(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The blocks of a file from its start, without a byte-order mark."""
    head = b""
    for block in blocks:
        head += block
        if len(head) >= len(BOM):
            break
    yield head.removeprefix(BOM)
    yield from blocks


def range_blocks(url: str, start: int, stop: int | None) -> Iterator[bytes]:
    """The bytes of the lines that start in ``[start, stop)`` of a plain file; None is its end."""
    position = max(start - 1, 0)
    skipping = start > 0
    for block in storage.blocks(url, position):
        if skipping:
            end = block.find(b"\n")
            if end < 0:
                position += len(block)
                continue
            position, block, skipping = position + end + 1, block[end + 1 :], False
        if stop is not None and position >= stop:
            return
        if stop is not None and position + len(block) >= stop:
            end = block.find(b"\n", stop - 1 - position)
            if end >= 0:
                yield block[: end + 1]
                return
        position += len(block)
        yield block


def member_blocks(url: str, compression: str, start: int, stop: int | None) -> Iterator[bytes]:
    """The bytes of a compressed file from one place to another, both where a line starts; None is its end."""
    begin, skip = divmod(start, 1 << INTO_BITS)
    last, left = divmod(stop, 1 << INTO_BITS) if stop is not None else (None, 0)
    for place, block in members(storage.blocks(url, begin), compression):
        if last is not None and begin + place >= last:
            if not left:
                return
            block = block[:left]
            left -= len(block)
        skipped = min(skip, len(block))
        skip -= skipped
        if skipped < len(block):
            yield block[skipped:]


def lines(blocks: Iterator[bytes], max_bytes: int) -> Iterator[list[bytes | None]]:
    """Lists of lines, without their LF and mostly without blank ones; None stands for one longer than ``max_bytes``.

    A stream that breaks off gives its whole lines, then raises the StreamFault; the piece of a line is no row.
    """
    parts: list[bytes] = []
    held = 0
    too_long = False
    fault: StreamFault | None = None
    while True:
        try:
            block = next(blocks, None)
        except StreamFault as stopped:
            fault = stopped
            break
        if block is None:  # an empty block is not the end
            break
        if _BLANK.search(block):  # by the million, each would cost as much as a row
            block = _BLANK.sub(b"\n", block)
        first, newline, rest = block.partition(b"\n")
        held += len(first)
        too_long = too_long or held > max_bytes
        if too_long:
            parts.clear()
        else:
            parts.append(first)
        if not newline:
            continue
        made: list[bytes | None] = [None if too_long else b"".join(parts)]
        middle = rest.split(b"\n")
        last = middle.pop()
        made.extend(middle if len(rest) <= max_bytes else (x if len(x) <= max_bytes else None for x in middle))
        yield made
        parts, held, too_long = [last], len(last), len(last) > max_bytes
    if fault is None or fault.whole:
        if too_long:
            yield [None]
        elif any(parts):
            yield [b"".join(parts)]
    if fault is not None:
        raise fault
