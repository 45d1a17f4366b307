"""Values of input columns as what the recipe asks for: names, labels, numbers, lists of them; a wrong type is null."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal

import numpy as np
import pyarrow as pa

KINDS: dict[str, pa.DataType] = {
    "string": pa.string(),
    "number": pa.float64(),
    "strings": pa.list_(pa.string()),
    "numbers": pa.list_(pa.float32()),
    "number_lists": pa.list_(pa.list_(pa.float32())),
}
"""Kinds of an extra column and their Arrow types."""

_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)


class Literal(str):
    """A number as it was written, where a float would not hold all its digits."""

    __slots__ = ()


def string_of(value: object) -> str | None:
    """A label or a name: strings, whole numbers as written, true and false, dates as ISO 8601; empty strings are null."""
    if isinstance(value, str):
        return str(value) or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return None


def name_of(value: object) -> str | None:
    """A document's own name: strings and numbers; nothing else names a document."""
    return None if isinstance(value, bool | datetime | date | time) else string_of(value)


def number_of(value: object) -> float | None:
    """A finite number; a bool is none, nor is a string."""
    if isinstance(value, Literal):
        return parsed_number(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    return None


def parsed_number(value: object) -> float | None:
    """A finite number written in decimal digits: for files that know only text."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value) is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def strings_of(value: object) -> list[str] | None:
    """A set of labels: a list of what ``string_of`` takes, nulls left out; a single label is a set of one."""
    if not isinstance(value, list):
        single = string_of(value)
        return None if single is None else [single]
    labels = [string_of(item) for item in value if item is not None and item != ""]
    return None if None in labels else labels  # type: ignore[return-value]


def numbers_of(value: object) -> list[float] | None:
    """A vector: a list of finite numbers, all of them."""
    if not isinstance(value, list):
        return None
    if _plain(value):
        return value
    numbers = [number_of(item) for item in value]
    return None if None in numbers else numbers  # type: ignore[return-value]


def _plain(values: list[object]) -> bool:
    """Whether these are floats and small whole numbers, all finite: seen at once, for there may be a million."""
    if not set(map(type, values)) <= {int, float}:
        return False
    try:
        return bool(np.isfinite(np.array(values, dtype=np.float64)).all())
    except OverflowError:
        return False


def number_lists_of(value: object) -> list[list[float]] | None:
    """Vectors: a list of lists of finite numbers, all of them."""
    if not isinstance(value, list):
        return None
    if all(type(item) is list for item in value) and _plain(list(itertools.chain.from_iterable(value))):
        return value
    vectors = [numbers_of(item) for item in value]
    return None if None in vectors else vectors  # type: ignore[return-value]


OF_KIND: dict[str, Callable[[object], object]] = {
    "string": string_of,
    "number": number_of,
    "strings": strings_of,
    "numbers": numbers_of,
    "number_lists": number_lists_of,
}
OF_KIND_UNTYPED: dict[str, Callable[[object], object]] = {**OF_KIND, "number": parsed_number}
"""For files that know only text (CSV)."""
