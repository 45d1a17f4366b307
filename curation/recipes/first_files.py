"""A look into small sources before a run begins: that none of their files has the columns is said at once."""

from __future__ import annotations

from collections.abc import Mapping

from curation.readers import read_files
from curation.readers.formats import kind_of
from curation.storage import FileInfo
from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.sources import Source

MAX_FILES, MAX_BYTES = 3, 8_000_000
"""A source of more files, or with a larger one, is left to the run itself."""
BATCH_BYTES = 64_000


def check_first_files(recipe: Recipe, files: Mapping[int, Mapping[str, FileInfo]]) -> None:
    """Raises RecipeError for a source none of whose few small files can be read, with each one's reason. files: of each source that is to be
    looked at, by its place in the recipe, as ``check_paths`` finds them."""
    for number, found in files.items():
        source = recipe.sources[number]
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
