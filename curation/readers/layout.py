"""How the records of a JSON file lie in it, told by its beginning: one a line, an array, objects over several lines, a wrapper.

- **lines**: the first line is closed by its own end, or is a broken row among others. Several objects may share a line.
- **array**: its elements are the records.
- **values**: an object goes on over several lines; the file is cut where its brackets close.
- A **wrapper** is one object that is the whole file and has no text itself: its records are read where exactly one list of
  objects stands at its top level and the first of them has the columns that are needed. All else asks for ``records``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import orjson

from curation.readers.columns import shown, without_text
from curation.readers.compression import StreamFault
from curation.readers.documents import Wanted

SPACE = b" \t\r\n"
TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*"|["{}\[\],]', re.DOTALL)
"""A string, a bracket, a comma; a quote alone is a string that goes on after the end."""
OPENING_BYTES = 32 << 20
"""A first line longer than this does not tell how the file is laid out: it is cut where brackets close."""
ARRAY_BYTES = 1 << 20
_FOREIGN = ((b"<!doctype html", "an HTML page"), (b"<html", "an HTML page"), (b"<?xml", "an XML document"))

Layout = Literal["lines", "array", "values"]


def opening(blocks: Iterator[bytes]) -> tuple[bytes, bool, Iterator[bytes]]:
    """The beginning of a file without white space before it, whether it is all of it, and the blocks that follow.

    What breaks the stream meanwhile is raised by the blocks that follow.
    """
    parts: list[bytes] = []
    fault: StreamFault | None = None
    head, whole = b"", True
    try:
        for block in blocks:
            parts = [head := b"".join([*parts, block]).lstrip(SPACE)]
            if head.count(b"\n") >= 3 or len(head) > (ARRAY_BYTES if head[:1] == b"[" else OPENING_BYTES):
                whole = False
                break
    except StreamFault as stopped:
        fault = stopped

    def following() -> Iterator[bytes]:
        if fault is not None:
            raise fault
        yield from blocks

    return head, whole, following()


def foreign_text(head: bytes) -> str | None:
    """What a text is by its beginning that is surely no JSON."""
    lowered = head[:20].lower()
    return next((what for start, what in _FOREIGN if lowered.startswith(start)), None)


def layout(head: bytes, whole: bool) -> Layout:
    """How the records lie, by the beginning of the file as ``opening`` gives it."""
    if head[:1] not in (b"{", b"["):
        return "lines"
    apart: Layout = "array" if head[:1] == b"[" else "values"
    first, newline, rest = head.partition(b"\n")
    if not newline and not whole:
        return apart
    depth, cut = _depth(first)
    after = _lines(rest, whole)
    if cut or depth < 0:
        return "lines"
    if depth > 0:  # what goes on below the line, or a broken row: objects that no comma parts are rows of their own
        return "lines" if not after or all(_is_object(line) for line in after) else apart
    if apart == "values":
        return "lines"
    rows = bool(after) and after[0][:1] in (b"{", b"[")
    return "lines" if rows and not _has_object(first) else "array"


def _depth(line: bytes) -> tuple[int, bool]:
    """How many brackets are open at the end of a line, and whether a string is."""
    depth = 0
    for match in TOKEN.finditer(line):
        token = match[0]
        if token == b'"':
            return depth, True
        depth += (token in (b"{", b"[")) - (token in (b"}", b"]"))
        if depth < 0:
            break
    return depth, False


def _lines(rest: bytes, whole: bool) -> list[bytes]:
    """The next two lines that are not blank and are all there."""
    found: list[bytes] = []
    while len(found) < 2 and (rest := rest.lstrip(SPACE)):
        line, newline, rest = rest.partition(b"\n")
        if newline or whole:
            found.append(line)
    return found


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _has_object(line: bytes) -> bool:
    try:
        return any(isinstance(value, dict) for value in orjson.loads(line))
    except (orjson.JSONDecodeError, TypeError):
        return True


def is_alone(head: bytes, blocks: Iterator[bytes]) -> tuple[bool, Iterator[bytes]]:
    """Whether nothing follows the first line; the blocks that follow ``head``, once more."""
    if head.partition(b"\n")[2].strip(SPACE):
        return False, blocks
    taken: list[bytes] = []
    try:
        for block in blocks:
            taken.append(block)
            if block.strip(SPACE):
                break
        else:
            return True, iter(taken)
    except StreamFault as stopped:
        return False, _then_raise(taken, stopped)
    return False, itertools.chain(taken, blocks)


def _then_raise(taken: list[bytes], fault: StreamFault) -> Iterator[bytes]:
    yield from taken
    raise fault


@dataclass
class _Open:
    """A bracket that is open: of an object, with the key that is being read, or of a list."""

    is_object: bool
    path: tuple[str, ...] | None
    key: str | None = None
    at_key: bool = True


@dataclass
class _Found:
    """What the one object of a file holds. columns: key -> what it holds. lists: path -> the dotted names in its first object."""

    columns: dict[str, str] = field(default_factory=dict)
    lists: dict[tuple[str, ...], list[str]] = field(default_factory=dict)


def records_path(blocks: Iterator[bytes], wanted: Wanted) -> str | None:
    """Where the records of a wrapper stand; None for a file that is no wrapper.

    Raises StreamFault for a lone object without a text whose records would have to be guessed.
    """
    try:
        found = _survey(blocks, wanted)
    except StreamFault:
        return None  # reading says it again
    if found is None or not found.lists:
        return None
    fit = [path for path, names in found.lists.items() if set(wanted.required) <= set(names)]
    top = [path for path in found.lists if len(path) == 1]
    if len(top) == 1 and top[0] in fit:
        return top[0][0]
    for (key, *deeper), names in found.lists.items():
        if not deeper:
            found.columns[key] = f"a list of objects {{{', '.join(name for name in names if '.' not in name)}}}"
    reason = without_text(wanted.text, found.columns)
    if not reason.startswith("a chat file"):
        lists = [".".join(path) for path in [*fit, *(path for path in found.lists if path not in fit)]]
        reason = (
            f"one JSON object with {shown(list(found.columns))}, and no column `{wanted.text}`; lists of objects stand at "
            f"{shown(lists)}: say which holds the records (records: on the source)"
        )
    raise StreamFault(reason)


def _survey(blocks: Iterator[bytes], wanted: Wanted) -> _Found | None:
    """What the object holds that is the whole file; None if it has the text, or is not the whole file."""
    found = _Found()
    stack: list[_Open] = []
    first: tuple[int, list[str]] | None = None  # the first object of a list: its depth, its names
    closed = False
    for token in _tokens(blocks, wanted.max_row_bytes):
        inner = stack[-1] if stack else None
        if token in (b"{", b"["):
            if inner is None and (closed or token == b"["):
                return None
            path: tuple[str, ...] | None = ()
            if inner is not None:
                path = (*inner.path, inner.key or "") if inner.is_object and inner.path is not None else None
            if token == b"{" and inner is not None and not inner.is_object and inner.path not in (None, *found.lists):
                names: list[str] = []
                found.lists[inner.path] = names  # type: ignore[index]
                first = (len(stack) + 1, names)
            if len(stack) == 1 and inner is not None and inner.key is not None:
                found.columns[inner.key] = "an object" if token == b"{" else "a list"
            stack.append(_Open(token == b"{", path))
        elif token in (b"}", b"]"):
            if inner is None:
                return None
            if first is not None and len(stack) == first[0]:
                first = None
            stack.pop()
            closed = not stack
        elif token == b",":
            if inner is None:
                return None
            inner.at_key = True
        elif inner is not None and inner.is_object and inner.at_key:
            inner.key, inner.at_key = _key(token), False
            if len(stack) == 1:
                found.columns[inner.key] = "a number"
            names_here = [one.key or "" for one in stack]
            if all(one.is_object for one in stack) and ".".join(names_here) == wanted.text:
                return None
            if first is not None and all(one.is_object for one in stack[first[0] - 1 :]):
                first[1].append(".".join(names_here[first[0] - 1 :]))
        elif inner is not None and len(stack) == 1 and inner.key is not None:
            found.columns[inner.key] = "a string"
    return found if closed else None


def _key(token: bytes) -> str:
    try:
        return str(orjson.loads(token))
    except orjson.JSONDecodeError:
        return "?"


def _tokens(blocks: Iterator[bytes], max_bytes: int) -> Iterator[bytes]:
    """The tokens of a stream; a string longer than a row may be breaks it off."""
    held = b""
    for block in blocks:
        held += block
        scanned = 0
        for match in TOKEN.finditer(held):
            if match.end() - match.start() == 1 and held[match.start()] == 0x22:
                break
            scanned = match.end()
            yield match[0]
        else:
            scanned = len(held)
        held = held[scanned:]
        if len(held) > max_bytes:
            raise StreamFault("a string that is longer than a row may be")
