"""Compressed streams as blocks of plain bytes, with bounded memory: gzip, zstd, bzip2, xz.

Several members or frames in a row are one stream. What could be read before a stream breaks is given out first, then
the fault is raised. A block never holds more than a few MB, however well a stream is compressed.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import zstandard

from curation.readers.formats import HEAD_BYTES, TITLES, described

OUT_BYTES = 4 << 20
"""Plain bytes that one step makes at most (zstd: plus a frame's own window, up to 2 GB as `zstd --long=31` writes)."""

_STARTS = {"gzip": (b"\x1f\x8b",), "bz2": (b"BZh",), "xz": (b"\xfd7zXZ\x00",)}
_ZSTD_MAGIC = 0xFD2FB528
_ZSTD_SKIPPABLE = 0x184D2A50
_ZSTD_BLOCK_BYTES = 128 << 10


class StreamFault(Exception):
    """The file itself is at fault. ``whole``: all of its content was given out before (only more than that follows)."""

    def __init__(self, message: str, *, whole: bool = False):
        self.message, self.whole = message, whole
        super().__init__(message)


def decompressed(blocks: Iterator[bytes], compression: str | None) -> Iterator[bytes]:
    """Plain bytes of a compressed file, in order. Raises StreamFault after the last block that could be read."""
    return blocks if compression is None else (block for _, block in members(blocks, compression))


def members(blocks: Iterator[bytes], compression: str) -> Iterator[tuple[int, bytes]]:
    """The same with the place in the file where the member or frame begins that a block is of: reading can begin there, too."""
    title = TITLES[compression]
    head = b""
    for block in blocks:
        head += block
        if len(head) >= HEAD_BYTES:
            break
    if not head:
        raise StreamFault(f"empty file, 0 bytes: not {title}")
    if not _starts(head, compression):
        raise StreamFault(f"not {title}: {described(head[:4096])}")
    found = _zstd(_Bytes(head, blocks)) if compression == "zstd" else _members(head, blocks, compression)
    yield from ((place, block) for place, block in found if block)  # an empty frame is not the end


def _starts(head: bytes, compression: str) -> bool:
    if compression == "zstd":
        magic = int.from_bytes(head[:4], "little")
        return len(head) >= 4 and (magic == _ZSTD_MAGIC or magic & ~0xF == _ZSTD_SKIPPABLE)
    return head.startswith(_STARTS[compression])


class _Gzip:
    """zlib's decompressor with the interface that bz2's and lzma's have."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail + data, max_length)

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "gzip": _Gzip,
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ),
}


def _members(data: bytes, blocks: Iterator[bytes], compression: str) -> Iterator[tuple[int, bytes]]:
    title = TITLES[compression]
    stream = _DECOMPRESSORS[compression]()
    taken, begin = len(data), 0
    while True:
        try:
            out = stream.decompress(data, OUT_BYTES)
        except (zlib.error, OSError, lzma.LZMAError, EOFError) as error:
            raise StreamFault(f"damaged {title}: {_plain(error)}") from None
        yield begin, out
        data = b""
        if stream.eof:
            # Zeros between or after members are padding (tape blocks of gzip, stream padding of xz).
            data = stream.unused_data.lstrip(b"\0")
            while len(data) < HEAD_BYTES and (block := next(blocks, b"")):
                taken += len(block)
                data = (data + block).lstrip(b"\0") if not data else data + block
            if not data:
                return
            if not _starts(data, compression):
                raise StreamFault(f"trailing bytes after the {title} stream", whole=True)
            stream = _DECOMPRESSORS[compression]()
            begin = taken - len(data)
        elif stream.needs_input:
            data = next(blocks, b"")
            taken += len(data)
            if not data:
                raise StreamFault(f"truncated {title}: unexpected end of stream")


def _plain(error: Exception) -> str:
    """zlib: 'Error -3 while decompressing data: invalid stored block lengths' → its last part."""
    return str(error).rsplit(": ", 1)[-1]


class _Bytes:
    """A stream of blocks that is read by the number of bytes."""

    def __init__(self, head: bytes, blocks: Iterator[bytes]):
        self._data, self._at, self._blocks = head, 0, blocks
        self.taken = 0

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes, fewer only at the end."""
        while len(self._data) - self._at < count and (block := next(self._blocks, b"")):
            self._data, self._at = self._data[self._at :] + block, 0
        taken = self._data[self._at : self._at + count]
        self._at += len(taken)
        self.taken += len(taken)
        return taken


def _zstd(stream: _Bytes) -> Iterator[tuple[int, bytes]]:
    """zstd's own interface bounds no output, and a frame can grow 30,000 fold: so it is fed as many blocks at once as
    make ``OUT_BYTES`` at most (RFC 8878: frame header; blocks of a 3-byte header and at most 128 KB plain; checksum).
    """
    first = True
    while magic := stream.take(4):
        kind = int.from_bytes(magic, "little")
        if len(magic) == 4 and kind & ~0xF == _ZSTD_SKIPPABLE:
            left = int.from_bytes(_whole(stream, 4), "little")
            while left:
                left -= len(_whole(stream, min(left, OUT_BYTES)))
            first = False
            continue
        if kind != _ZSTD_MAGIC:
            raise StreamFault("trailing bytes after the zstd stream", whole=not first)
        first = False
        begin = stream.taken - len(magic)
        frame = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj(write_size=OUT_BYTES)
        descriptor = _whole(stream, 1)
        flags = descriptor[0]
        single = flags >> 5 & 1
        rest = (1 - single) + (0, 1, 2, 4)[flags & 3] + (single, 2, 4, 8)[flags >> 6]
        pieces = [magic, descriptor, _whole(stream, rest)]
        plain = 0
        try:
            while True:
                header = _whole(stream, 3)
                block = int.from_bytes(header, "little")
                last, run, length = block & 1, block >> 1 & 3 == 1, block >> 3
                pieces += [header, _whole(stream, 1 if run else length)]
                if last:
                    break
                plain += _ZSTD_BLOCK_BYTES
                if plain >= OUT_BYTES:
                    yield begin, _fed(frame, pieces)
                    pieces, plain = [], 0
            if flags >> 2 & 1:
                pieces.append(_whole(stream, 4))
        except StreamFault:
            yield begin, _fed(frame, pieces)
            raise
        yield begin, _fed(frame, pieces)
        if not frame.eof:
            raise StreamFault("damaged zstd: the frame does not end")


def _fed(frame: Any, pieces: list[bytes]) -> bytes:
    try:
        return frame.decompress(b"".join(pieces))
    except zstandard.ZstdError as error:
        raise StreamFault(f"damaged zstd: {_plain(error)}") from None


def _whole(stream: _Bytes, count: int) -> bytes:
    taken = stream.take(count)
    if len(taken) < count:
        raise StreamFault("truncated zstd: unexpected end of stream")
    return taken
