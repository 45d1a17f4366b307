"""What columns hold, in words, and why a file without a text is set aside: reasons that name columns, never values.

Names of columns come from outside too: at most five are shown, each cut and without anything that is not printable.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

MAX_NAMES = 5
NAME_CHARS = 40
CHATS = ("messages", "conversations", "conversation")
"""Columns that hold the turns of a conversation, as chat data sets name them."""
_TURNS = ({"role", "content"}, {"from", "value"})


def printable(name: str) -> str:
    """A name fit for a message: cut, every character that cannot be printed, and every backtick, as ``?``."""
    return "".join(c if c.isprintable() and c != "`" else "?" for c in name[:NAME_CHARS])


def shown(names: Sequence[str]) -> str:
    """The first five names, in backticks."""
    more = ", …" if len(names) > MAX_NAMES else ""
    return ", ".join(f"`{printable(name)}`" for name in names[:MAX_NAMES]) + more


def holds(value: object) -> str:
    """What a JSON value is.

    >>> holds([{"role": "user", "content": "…"}]), holds({"a": 1}), holds(3.5), holds([])
    ('a list of objects {role, content}', 'an object {a}', 'a number', 'an empty list')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, dict):
        return f"an object {_braces(list(value))}"
    if isinstance(value, list):
        if not value:
            return "an empty list"
        first = value[0]
        if isinstance(first, dict):
            return f"a list of objects {_braces(list(first))}"
        return f"a list of {_PLURAL.get(type(first), 'numbers')}"
    if isinstance(value, bytes):
        return "binary"
    return "a string" if isinstance(value, str) else "a number"


_PLURAL: dict[type, str] = {str: "strings", list: "lists", bool: "booleans", type(None): "nulls"}


def holds_type(kind: pa.DataType) -> str:
    """What a column of an Arrow type holds.

    >>> holds_type(pa.list_(pa.struct({"role": pa.string()}))), holds_type(pa.int64())
    ('a list of structs {role}', 'numbers (int64)')
    """
    if is_list(kind):
        value = kind.value_type
        if pa.types.is_struct(value):
            return f"a list of structs {_braces(names_of(value))}"
        return f"a list of {'lists' if is_list(value) else 'strings' if is_text(value) else value}"
    if pa.types.is_struct(kind):
        return f"a struct {_braces(names_of(kind))}"
    if pa.types.is_map(kind):
        return "a map"
    if pa.types.is_dictionary(kind):
        return holds_type(kind.value_type)
    if is_text(kind):
        return "strings"
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return f"numbers ({kind})" if number else f"values of type {kind}"


def is_list(kind: pa.DataType) -> bool:
    """Lists of any layout."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def is_text(kind: pa.DataType) -> bool:
    """Strings, and binary that may hold UTF-8, dictionary-encoded or not."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_binary_view,
        pa.types.is_fixed_size_binary,
    )
    return any(test(kind) for test in tests)


def names_of(fields: pa.Schema | pa.StructType) -> list[str]:
    """The names of fields, without those that are no UTF-8."""
    n = len(fields) if isinstance(fields, pa.Schema) else fields.num_fields
    names = []
    for number in range(n):
        try:
            names.append(fields.field(number).name)
        except UnicodeDecodeError:
            continue
    return names


def _braces(names: list[str]) -> str:
    more = ", …" if len(names) > MAX_NAMES else ""
    return "{" + ", ".join(printable(name) for name in names[:MAX_NAMES]) + more + "}"


TEXTS = (
    "text",
    "content",
    "body",
    "raw_content",
    "document",
    "article",
    "markdown",
    "story",
    "abstract",
    "code",
    "message",
)
"""Names that a document's text has elsewhere, the likeliest first."""


def without_columns(
    missing: Sequence[str], columns: Sequence[str], *, text: str | None = None, strings: Sequence[str] | None = None
) -> str:
    """The reason why a file is set aside that lacks columns: names them, the nearest one there is, and what it has.

    text: the column that the recipe takes for the text; where it is missing the line to add to the source follows. strings: the columns
    that hold texts, where that is known.
    """
    lacks = ", ".join(f"`{name}`" for name in missing)
    close = difflib.get_close_matches(missing[0], columns, n=1)
    nearest = f" (the nearest is {shown(close)})" if close else ""
    cure = ""
    if text in missing and columns:
        known = list(columns) if strings is None else list(strings)
        likely = [name for wanted in TEXTS for name in known if name.lower() == wanted]
        likely += [name for name in close if name in known]
        likely += known if strings is not None and len(known) == 1 else []
        cure = f"; add to the source: columns: {{text: {printable(likely[0]) if likely else 'NAME'}}}"
    return f"no column {lacks}{nearest}; the file has: {shown(columns) or 'none'}{cure}"


def without_text(text: str, columns: Mapping[str, Any], *, missing: Sequence[str] = ()) -> str:
    """The reason why a file is set aside that lacks at least the text. columns: what it has, with what each holds in words.

    A file of conversations is named as what it is, with what can be done.
    """
    for name in CHATS:
        kind = str(columns.get(name, ""))
        turns = set(kind.partition("{")[2].rstrip("}").split(", "))
        if kind.startswith("a list of") and any(keys <= turns for keys in _TURNS):
            where = "" if name == "messages" else f", columns: {{messages: {printable(name)}}}"
            return (
                f"a chat file: each record has `{printable(name)}`, {kind}, and no column `{text}`: read it as conversations, "
                f"kind: conversation{where}"
            )
    strings = [name for name, kind in columns.items() if kind in ("a string", "strings")]
    return without_columns(list(missing) or [text], list(columns), text=text, strings=strings)
