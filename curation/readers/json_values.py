"""JSON that is not one object a line (.json): an array, one object over many lines, or objects in a row, streamed.

A .json file whose first line is an object by itself is read as JSON Lines. Otherwise the stream is cut where brackets
outside of strings close, and each piece is held to the same rules as a line of JSON Lines.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import orjson

from curation.readers.compression import StreamFault
from curation.readers.documents import Batch, Wanted
from curation.readers.jsonl import Lines, read_objects
from curation.readers.lines import lines, text_blocks

_SPACE = b" \t\r\n"
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\],]', re.DOTALL)


def read_json(url: str, wanted: Wanted, *, compression: str | None = None) -> Iterator[Batch]:
    """Documents of a .json file; rows are its elements."""

    def every_value() -> Lines:
        return json_values(text_blocks(url, "json", compression), wanted.max_row_bytes)

    yield from read_objects(every_value(), wanted, every_value)


def json_values(blocks: Iterator[bytes], max_bytes: int) -> Lines:
    """Lists of JSON texts, one a value; None stands for one longer than ``max_bytes``, after which nothing is read."""
    head = b""
    for block in blocks:
        head = (head + block).lstrip(_SPACE)
        if b"\n" in head or head[:1] == b"[" or len(head) > max_bytes:
            break
    first, newline, _ = head.partition(b"\n")
    rest = itertools.chain([head], blocks)
    if newline and _is_object(first):
        yield from lines(rest, max_bytes)
    else:
        yield from _split(rest, max_bytes, array=head[:1] == b"[")


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _split(blocks: Iterator[bytes], max_bytes: int, *, array: bool) -> Lines:
    """Values of an array (after its opening bracket: between commas) or of a plain sequence (where depth is 0 again)."""
    outer = 1 if array else 0
    held = b""  # from the beginning of the value that is being read
    scanned = depth = 0
    ended = False
    count = 0
    fault: StreamFault | None = None
    while True:
        try:
            # As much again as is held: a value of n blocks is not scanned n times.
            more = b"".join(_some(blocks, max(1, len(held))))
        except StreamFault as stopped:
            more, fault = b"", stopped
        final = not more
        held += more
        made: list[bytes | None] = []
        begin = 0
        for match in _TOKEN.finditer(held, scanned):
            token = held[match.start()]
            scanned = match.end()
            if token == 0x22:  # a quote alone: its string goes on in the next block
                if match.end() - match.start() == 1:
                    scanned = match.start()
                    break
            elif token in b"{[":
                depth += 1
                if array and depth == 1 and count == 0 and begin == 0 and not made:
                    begin = match.end()
            elif token in b"}]":
                depth -= 1
                if depth < outer:
                    if array:
                        value = held[begin : match.start()].strip(_SPACE)
                        if value or count or made:
                            made.append(value or b"?")
                        begin, ended = match.end(), True
                        break
                    depth = 0
                if depth == 0 and not array:
                    made.append(held[begin : match.end()].strip(_SPACE))
                    begin = match.end()
            elif depth == outer and array:
                made.append(held[begin : match.start()].strip(_SPACE) or b"?")
                begin = match.end()
        else:
            scanned = len(held)
        if made:
            count += len(made)
            yield made
        held, scanned = held[begin:], max(scanned - begin, 0)
        if ended:
            if held.strip(_SPACE) or (fault is None and any(block.strip(_SPACE) for block in blocks)):
                raise StreamFault(f"content after the end of the array ({count} values)", whole=True)
            break
        if len(held) > max_bytes:
            yield [None]
            raise StreamFault(f"value {count} is longer than {max_bytes} bytes; what follows was not read")
        if final:
            if fault is None and held.strip(_SPACE):
                fault = StreamFault(f"the file ends inside value {count}")
            elif fault is None and array:
                fault = StreamFault(f"the array does not end (after {count} values)")
            break
    if fault is not None:
        raise fault


def _some(blocks: Iterator[bytes], count: int) -> Iterator[bytes]:
    taken = 0
    for block in blocks:
        yield block
        taken += len(block)
        if taken >= count:
            return
