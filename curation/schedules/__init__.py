"""Schedules: one recipe entry to plain phases. One file a method; ``FUNCTIONS`` is the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curation.schedules.levels import levels
from schemas import schedules as models
from schemas.phases import Phase

FUNCTIONS: dict[type, Callable[..., list[Phase]]] = {models.Levels: levels}
"""(entry) to plain phases, in training order."""


def expand(entry: Any) -> list[Phase]:
    """The plain phases of an entry of ``phases``."""
    return [entry] if isinstance(entry, Phase) else FUNCTIONS[type(entry)](entry)
