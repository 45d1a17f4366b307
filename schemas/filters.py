"""Filters on a tag or built-in name: which documents a pool or a selector means."""

from __future__ import annotations

from schemas.section import Section


class Bounds(Section):
    """Both bounds are inclusive; a document without the value is outside."""

    min: float | str | None = None
    """Least value that is kept; a date as ISO 8601."""
    max: float | str | None = None
    """Greatest value that is kept."""


Filter = Bounds | list[str | float | None] | str | float | None
