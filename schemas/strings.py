"""The strings of a recipe, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel


def strings(part: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """(place, string) of a recipe, of a part of it or of a field's value, in order; what is no string is passed over."""
    if isinstance(part, str):
        yield place, part
    elif isinstance(part, BaseModel):
        for name, field in type(part).model_fields.items():
            key = field.alias or name
            yield from strings(getattr(part, name), f"{place}.{key}" if place else key)
    elif isinstance(part, dict):
        for key, one in part.items():
            yield from strings(one, f"{place}.{key}")
    elif isinstance(part, list | tuple):
        for number, one in enumerate(part):
            yield from strings(one, f"{place}[{number}]")
