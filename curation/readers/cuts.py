"""Where a big file of JSON Lines can be cut: at a line's start, and in a compressed file at one near a member's start.

A mark is a place and the number of the row there. Of a plain file the place is a byte; of a compressed one it says where reading
begins and how much is skipped then (``lines.INTO_BITS``). gzip of several members (BGZF, `pigz -i`, files put together by `cat`),
zstd of several frames (`pzstd`), bzip2 of several streams: where members end in the middle of a line is no matter.
"""

from __future__ import annotations

from collections.abc import Iterator

from curation.readers.compression import StreamFault, members
from curation.readers.documents import MAX_ROW_BYTES
from curation.readers.jsonl import rows_on
from curation.readers.lines import BOM, INTO_BITS

Marks = tuple[tuple[int, int], ...]


class _Lines:
    """Counts lines and rows of blocks, and says where lines start."""

    def __init__(self) -> None:
        self.row = 0
        self._parts: list[bytes] = []
        self._held = 0
        self._first = True

    @property
    def at_start(self) -> bool:
        """Whether a line starts with the next byte."""
        return not self._held

    def starts(self, block: bytes) -> Iterator[int]:
        """The places in the block after each LF; ``row`` is the number of the row there."""
        at = 0
        *ended, last = block.split(b"\n")
        for piece in ended:
            self._take(piece)
            line = b"".join(self._parts)
            # Of a line that is too long for a row no more than its length is looked at.
            self.row += 1 if self._held > MAX_ROW_BYTES else rows_on(line.removeprefix(BOM) if self._first else line)
            self._parts, self._held, self._first = [], 0, False
            at += len(piece) + 1
            yield at
        self._take(last)

    def _take(self, piece: bytes) -> None:
        self._held += len(piece)
        if self._held <= MAX_ROW_BYTES:
            self._parts.append(piece)


def plain_marks(blocks: Iterator[bytes], every: int) -> Marks:
    """The first line at or after each ``every`` bytes."""
    marks = [(0, 0)]
    lines = _Lines()
    offset = 0
    for block in blocks:
        for start in lines.starts(block):
            if offset + start >= marks[-1][0] + every:
                marks.append((offset + start, lines.row))
        offset += len(block)
    if marks[-1][0] == offset > 0:
        marks.pop()  # nothing follows
    return tuple(marks)


def member_marks(blocks: Iterator[bytes], compression: str, every: int) -> Marks:
    """The first line that starts in a member, once in ``every`` bytes of text; none where the first member is longer than that,
    or the file is damaged."""
    marks = [(0, 0)]
    lines = _Lines()
    member, begin = -1, 0
    text = marked = 0
    asked = False
    try:
        for place, block in members(blocks, compression):
            if place != member:
                asked = asked or text >= marked + every
                member, begin, first = place, text, member < 0
                if asked and lines.at_start:
                    marks.append((member << INTO_BITS, lines.row))
                    asked, marked = False, text
            elif first and text >= every:
                return ()
            for start in lines.starts(block):
                into = text + start - begin
                if asked and into < 1 << INTO_BITS:
                    marks.append((member << INTO_BITS | into, lines.row))
                    asked, marked = False, text + start
            text += len(block)
    except StreamFault:
        return ()
    if marked == text > 0:
        marks.pop()  # nothing follows
    return tuple(marks)
