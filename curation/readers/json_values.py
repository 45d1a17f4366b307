"""JSON files: where their records lie (``layout``), and the stream cut into one piece a record, each held to the same rules.

Where brackets outside of strings close a piece ends: of a sequence of values, of an array, or of the lists that stand at
a dotted path (``records``) of the values of a file.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import orjson

from curation.readers.brackets import Brackets
from curation.readers.columns import shown
from curation.readers.compression import StreamFault
from curation.readers.documents import Wanted, has
from curation.readers.formats import TITLES
from curation.readers.layout import SPACE, TOKEN, foreign_text, is_alone, layout, opening, records_path
from curation.readers.lines import lines, text_blocks

Lines = Iterator[list[bytes | None]]


def records(blocks: Callable[[], Iterator[bytes]], wanted: Wanted, format: str) -> Lines:
    """Lists of JSON texts, one a record; None stands for one longer than ``wanted.max_row_bytes``.

    blocks: gives the bytes of the file, each time it is called. Raises StreamFault for a file that is no JSON, breaks off,
    or does not say where its records are.
    """
    limit = wanted.max_row_bytes
    head, whole, rest = opening(blocks())
    what = foreign_text(head)
    if what is not None:
        raise StreamFault(f"not {TITLES[format]}: {what}")
    path = wanted.records
    how = layout(head, whole)
    if path is None and head[:1] == b"{":
        single = how == "values"
        if not single and _without_text(head.partition(b"\n")[0], wanted.text):
            single, rest = is_alone(head, rest)
        path = records_path(blocks(), wanted) if single else None
    everything = itertools.chain([head] if head else [], rest)
    if path is not None:
        yield from _split(everything, limit, within=path)
    elif how == "lines":
        yield from lines(everything, limit)
    else:
        yield from _split(everything, limit, array=how == "array")


def is_lines(url: str, compression: str | None) -> bool:
    """Whether a file of JSON Lines is what it is named, so that it can be cut where lines end."""
    try:
        head, whole, _ = opening(text_blocks(url, "jsonl", compression))
    except StreamFault:
        return False
    return layout(head, whole) == "lines"


def _without_text(line: bytes, text: str) -> bool:
    """Whether a line is an object that lacks the text."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(row, dict) and not has(row, text)


def _split(blocks: Iterator[bytes], max_bytes: int, *, array: bool = False, within: str | None = None) -> Lines:
    """Values of an array (after its opening bracket: between commas) or of a plain sequence (where depth is 0 again).

    within: the dotted path of lists, whose elements are the values; there may be one in each value of the sequence.
    """
    if within is not None:
        yield from _within(blocks, max_bytes, within)
        return
    brackets = Brackets(elements=array)
    held = b""  # from the beginning of the value that is being read
    scanned = 0
    ended = False
    count = 0
    fault: StreamFault | None = None
    while True:
        try:
            # As much again as is held: a value of n blocks is not put together n times.
            more = b"".join(_some(blocks, max(1, len(held))))
        except StreamFault as stopped:
            more, fault = b"", stopped
        final = not more
        held += more
        made: list[bytes | None] = []
        begin = 0
        for begin, end, times in brackets.runs(held, scanned):
            token = held[end]
            if not array:
                made += [held[begin : end + 1].strip(SPACE + b",")] * times
            elif token == 0x5B:
                begin = end + 1
                continue
            else:
                value = held[begin:end].strip(SPACE)
                ended = token != 0x2C
                if value or count or made or not ended:
                    made += [value or b"?"] * times
            begin = end + 1
            if ended:
                break
        if made:
            count += len(made)
            yield made
        held = held[begin:]
        scanned = len(held)
        if ended:
            if held.strip(SPACE) or (fault is None and any(block.strip(SPACE) for block in blocks)):
                raise StreamFault(f"content after the end of the array ({count} values)", whole=True)
            break
        if len(held) > max_bytes:
            yield [None]
            raise StreamFault(f"value {count} is longer than {max_bytes} bytes; what follows was not read")
        if final:
            if fault is None and held.strip(SPACE + (b"" if array else b",")):
                fault = StreamFault(f"the file ends inside value {count}")
            elif fault is None and array:
                fault = StreamFault(f"the array does not end (after {count} values)")
            break
    if fault is not None:
        raise fault


def _within(blocks: Iterator[bytes], max_bytes: int, within: str) -> Lines:
    """The elements of the lists at a dotted path. What stands elsewhere is passed over, and not held."""
    held = b""  # from the beginning of the element that is being read; nothing elsewhere
    scanned = 0
    keys: list[str | None] = []  # of the objects that are open outside of records, None for a list
    at_key = False
    inside = -1  # the brackets that are open in the list of records; -1 outside of it
    fresh = True  # whether the list has had no element
    lists: dict[str, None] = {}
    found = False
    fault: StreamFault | None = None
    while True:
        try:
            more = b"".join(_some(blocks, max(1, len(held))))
        except StreamFault as stopped:
            more, fault = b"", stopped
        final = not more
        held += more
        made: list[bytes | None] = []
        begin = 0
        for match in TOKEN.finditer(held, scanned):
            token = held[match.start()]
            scanned = match.end()
            if token == 0x22:
                if match.end() - match.start() == 1:
                    scanned = match.start()
                    break
                if inside < 0 and at_key and keys and keys[-1] is not None:
                    keys[-1], at_key = _key(match[0]), False
            elif inside >= 0:
                if token in b"{[":
                    inside += 1
                elif token in b"}]" and inside:
                    inside -= 1
                elif not inside:  # a comma between elements, or the end of the list
                    value = held[begin : match.start()].strip(SPACE)
                    if value or token == 0x2C or not fresh:
                        made.append(value or b"?")
                    begin, fresh = match.end(), False
                    inside = 0 if token == 0x2C else -1
                continue
            elif token == 0x7B:
                keys.append("")
                at_key = True
            elif token == 0x5B:
                path = ".".join(key for key in keys if key is not None)
                if keys and None not in keys and path == within:
                    inside, fresh, found, begin = 0, True, True, match.end()
                elif None not in keys:
                    lists[path or "the top"] = None
                if inside < 0:
                    keys.append(None)
            elif token == 0x2C:
                at_key = True
            elif keys:
                keys.pop()
            if inside < 0:
                begin = match.end()
        else:
            scanned = len(held)
        if made:
            yield made
        if inside < 0:
            begin = scanned
        held, scanned = held[begin:], max(scanned - begin, 0)
        if len(held) > max_bytes:
            yield [None]
            raise StreamFault(f"a value is longer than {max_bytes} bytes; what follows was not read")
        if final:
            break
    if fault is not None:
        raise fault
    if not found:
        there = f"lists stand at {shown(list(lists))}" if lists else "the file has no list outside of its records"
        raise StreamFault(f"no list of records at `{within}`; {there}")
    if inside >= 0:
        raise StreamFault(f"the list at `{within}` does not end")
    if keys:
        raise StreamFault("the file ends inside an object", whole=True)


def _key(token: bytes) -> str:
    try:
        return str(orjson.loads(token))
    except orjson.JSONDecodeError:
        return "?"


def _some(blocks: Iterator[bytes], count: int) -> Iterator[bytes]:
    taken = 0
    for block in blocks:
        yield block
        taken += len(block)
        if taken >= count:
            return
