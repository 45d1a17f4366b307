"""Files besides the sources that a release depends on: side tables, models, lists, benchmarks, graphs, runs, tokenizers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from curation import storage
from curation.cleaning.language import model_path
from curation.recipes.recipe_paths import FILES
from schemas.errors import RecipeError
from schemas.manifest import SideFile
from schemas.recipe import Recipe
from schemas.sources import Source
from schemas.training import Training


def side_files(recipe: Recipe) -> list[SideFile]:
    """Each file once a place that uses it, by place and path. Raises RecipeError with the place for one that is not there."""
    found: dict[tuple[str, str], SideFile] = {}
    digests: dict[str, str] = {}
    for place, pattern in _named(recipe, ""):
        files = [file.url for file in storage.glob(pattern) if file.kind == "file"]
        files = files or [file.url for file in storage.glob(storage.join(pattern, "*")) if file.kind == "file"]
        if not files:
            raise RecipeError(place, f"{pattern!r} is no file; mend the path")
        for url in files:
            digests[url] = digests.get(url) or storage.sha256(url)
            found[place, url] = SideFile(path=url, sha256=digests[url], used_by=place)
    return [found[key] for key in sorted(found)]


def _named(part: Any, place: str) -> Iterator[tuple[str, str]]:
    """(place, path or glob) of all fields of a recipe that name a file to read."""
    if isinstance(part, BaseModel):
        if isinstance(part, Source | Training):  # what is read is an input; what trains a classifier, no run reads
            return
        files = () if isinstance(part, Recipe) else FILES.get(type(part), ())
        for name, field in type(part).model_fields.items():
            where = f"{place}.{field.alias or name}" if place else field.alias or name
            value = getattr(part, name)
            if name in files:
                yield from _paths(value, where)
            else:
                yield from _named(value, where)
        if isinstance(part, Recipe) and part.clean.language is not None and part.clean.language.model is None:
            yield "clean.language.model", model_path(part.clean.language)
    elif isinstance(part, list):
        for number, one in enumerate(part):
            yield from _named(one, f"{place}[{number}]")
    elif isinstance(part, dict):
        for key, one in part.items():
            yield from _named(one, f"{place}.{key}")


def _paths(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Paths that a field holds: one, a list, or by name; what else may stand there (a graph in the recipe) is no file."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _paths(one, f"{place}[{number}]")
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _paths(one, f"{place}.{key}")
