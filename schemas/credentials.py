"""A recipe is written down in manifests, in Prefect's database and on its pages: no password belongs in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/@\s]*:[^/@\s]+@")
"""A user and a password before a host."""


def places(part: Any, place: str = "") -> Iterator[str]:
    """Where the strings of a recipe, or of a part of it, hold a URL with a password."""
    if isinstance(part, BaseModel):
        for name, field in type(part).model_fields.items():
            key = field.alias or name
            yield from places(getattr(part, name), f"{place}.{key}" if place else key)
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from places(value, f"{place}.{key}")
    elif isinstance(part, list | tuple):
        for number, value in enumerate(part):
            yield from places(value, f"{place}[{number}]")
    elif isinstance(part, str) and IN_URL.search(part):
        yield place
