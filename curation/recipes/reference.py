"""Where the recipe's reference (``docs/reference.md``) tells of a part of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from schemas.recipe import Recipe

PAGE = "docs/reference.md"
NAME = re.compile(r"[A-Za-z_]\w*")


def anchor(model: type[BaseModel]) -> str:
    """The place of a model's section on the page."""
    room = model.__module__.rsplit(".", 1)[-1]
    return model.__name__.lower() if room == model.__name__.lower() else f"{room}-{model.__name__.lower()}"


def link(place: str) -> str | None:
    """Page and anchor of the section that tells of a place (``dedup.minhash.bands``, ``sources[0].paths``): of the innermost
    that is the same for every choice of method. None where it is no place in a recipe."""
    model: type[BaseModel] | None = None
    parts: list[type[BaseModel]] = [Recipe]
    for name in NAME.findall(place):
        if len(parts) != 1:
            break
        fields = parts[0].model_fields
        field = fields.get(name) or next((one for one in fields.values() if one.alias == name), None)
        if field is None and model is None:
            return None
        model = parts[0]
        parts = list(dict.fromkeys(_models(field.annotation))) if field is not None else []
    if model is not None and len(parts) == 1:
        model = parts[0]
    return f"{PAGE}#{anchor(model)}" if model is not None else None


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for one in get_args(annotation):
        yield from _models(one)
