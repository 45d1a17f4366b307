"""A look into small sources before a run begins: that none of their files has the columns is said at once."""

from __future__ import annotations

from curation import storage
from curation.readers import read_files
from curation.readers.formats import kind_of
from curation.recipes.recipe_paths import files_of
from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.sources import Source

MAX_FILES, MAX_BYTES = 3, 8_000_000
"""A source of more files, or with a larger one, is left to the run itself."""
BATCH_BYTES = 64_000


def check_first_files(recipe: Recipe) -> None:
    """Raises RecipeError for a source on this machine none of whose few small files can be read, with each one's reason."""
    for number, source in enumerate(recipe.sources):
        if not all(storage.is_local(pattern) for pattern in source.paths):
            continue
        found = {
            info.path: info
            for place, pattern in enumerate(source.paths)
            for info in files_of(pattern, f"sources[{number}].paths[{place}]", source.format)
        }
        if len(found) > MAX_FILES or any(info.kind != "file" or info.bytes > MAX_BYTES for info in found.values()):
            continue
        faults = {path: _fault(source, path) for path in sorted(found)}
        if faults and all(faults.values()):
            said = "; ".join(f"{path}: {fault}" for path, fault in faults.items())
            raise RecipeError(f"sources[{number}]", f"source {source.name!r} is left without a readable file. {said}")


def _fault(source: Source, path: str) -> str | None:
    """What is wrong with a file of which no document can be read."""
    kind = kind_of(path, source.format)
    if kind is None:
        return None
    for batch in read_files.read(
        path, read_files.wanted_of(source, {}, BATCH_BYTES), format=kind[0], compression=kind[1]
    ):
        if len(batch.documents):
            return None
        if batch.fault is not None:
            return batch.fault
    return None
