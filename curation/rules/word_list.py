"""Lists of words, domains or URLs that a recipe names as files: one entry a line, ``#`` begins a comment."""

from __future__ import annotations

from functools import lru_cache

from curation import storage
from schemas.errors import RecipeError


def read_lists(paths: list[str], place: str) -> tuple[str, ...]:
    """The different entries of all files, in order. Raises RecipeError at ``place`` for a file that is not there."""
    entries: dict[str, None] = {}
    for path in paths:
        if not storage.exists(path):
            raise RecipeError(place, f"{path!r} is no file")
        entries.update(dict.fromkeys(_entries(path, storage.sha256(path))))
    return tuple(entries)


@lru_cache(maxsize=64)
def _entries(path: str, _digest: str) -> tuple[str, ...]:
    lines = storage.read_bytes(path).decode("utf-8", errors="replace").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
