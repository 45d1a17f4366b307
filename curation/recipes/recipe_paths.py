"""A recipe's files made absolute: a deployment does not run where the recipe was written."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from curation import storage
from curation.allowed_roots import OutsideRoots
from curation.readers.formats import ENDINGS, is_taken
from schemas import formatters, groupers, mixers, rules, schedules, scorers
from schemas.cleaning import Classifier, Language
from schemas.decontamination import Decontaminate
from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.shards import Shards
from schemas.sources import Source
from schemas.strings import strings
from schemas.training import Training

M = TypeVar("M", bound=BaseModel)

FILES: dict[type, tuple[str, ...]] = {
    Recipe: ("output",),
    Source: ("paths",),
    Language: ("model",),
    Classifier: ("model",),
    Decontaminate: ("benchmarks",),
    Training: ("output", "labelled"),
    Shards: ("tokenizer",),
    formatters.Chat: ("template", "tokenizer"),
    groupers.LabelTable: ("path",),
    groupers.Notebook: ("path",),
    groupers.FastText: ("model",),
    scorers.Table: ("path",),
    scorers.NgramOverlap: ("target",),
    scorers.Dsir: ("target",),
    scorers.Perplexity: ("model",),
    rules.UrlFilter: ("domains", "urls", "hard_words", "soft_words", "subwords"),
    rules.BadWords: ("lists",),
    mixers.SkillIt: ("graph", "probes"),
    mixers.RegMix: ("runs", "check", "swarm"),
    mixers.MixingLaw: ("law", "runs", "check", "swarm"),
    mixers.Olmix: ("law", "runs", "check", "swarm"),
    mixers.DoGE: ("check", "swarm"),
    mixers.Aioli: ("check", "swarm"),
    schedules.LearningCurve: ("points",),
}
"""Fields that name a file, a glob or a folder, or a list of them."""


def absolute(part: M) -> M:
    """The recipe, or a part of it, with every relative path made absolute; URLs stay as they are."""
    files = FILES.get(type(part), ())
    changed: dict[str, Any] = {}
    for name in type(part).model_fields:
        value = getattr(part, name)
        new = _absolute_path(value) if name in files else _inside(value)
        if new is not value:
            changed[name] = new
    return part.model_copy(update=changed) if changed else part


def named_paths(part: Any, place: str = "", without: tuple[type, ...] = ()) -> Iterator[tuple[str, str]]:
    """(place, path or glob) of all fields that name a file, a glob or a folder. without: parts that are passed over."""
    if isinstance(part, without):
        return
    if isinstance(part, BaseModel):
        files = FILES.get(type(part), ())
        for name, field in type(part).model_fields.items():
            where = f"{place}.{field.alias or name}" if place else field.alias or name
            value = getattr(part, name)
            if name in files:
                yield from ((at, path) for at, path in strings(value, where) if not formatters.is_inline(path))
            else:
                yield from named_paths(value, where, without)
    elif isinstance(part, list):
        for number, one in enumerate(part):
            yield from named_paths(one, f"{place}[{number}]", without)
    elif isinstance(part, dict):
        for key, one in part.items():
            yield from named_paths(one, f"{place}.{key}", without)


def check_allowed(recipe: Recipe) -> None:
    """Raises RecipeError for the first path, of whatever part, that SYLLABUS_ALLOWED_ROOTS does not allow."""
    for place, path in named_paths(recipe):
        try:
            storage.resolve(path)  # of a glob: what it finds is held against the roots again when it is opened
        except OutsideRoots as error:
            raise RecipeError(place, f"{path!r} {error.strerror}") from None


def files_of(pattern: str, place: str, format: str = "rows") -> list[storage.FileInfo]:
    """The files that a path of the recipe means, and what is there like one: pipes, links that lead nowhere. A folder, written as
    it is, means every file under it that a source of the format takes. Raises RecipeError, with the place, where there are none."""
    found = _hub(pattern, place) if pattern.startswith("hf://") else storage.glob(pattern)
    folder = [info for info in found if info.kind == "directory"]
    if len(found) == 1 and folder:
        matches = files_under(pattern, format)
    else:
        matches = [info for info in found if info.kind != "directory"]
    if not matches:
        kind = "matches no file" if any(c in pattern for c in "*?[") else "is no file"
        if len(found) == 1 and folder:
            kind = f"is a folder without a file of a known kind ({ENDINGS})"
            kind += (
                "; of plain files write format: text, or code" if format == "rows" else f", or of one that is {format}"
            )
        raise RecipeError(place, f"{pattern!r} {kind}; mend the path or remove it")
    return matches


def files_of_source(source: Source, index: int) -> dict[str, storage.FileInfo]:
    """The files of a source, by path, each once; raises as ``files_of`` does. index: its place in the recipe."""
    return {
        info.path: info
        for number, pattern in enumerate(source.paths)
        for info in files_of(pattern, f"sources[{index}].paths[{number}]", source.format)
    }


def _hub(pattern: str, place: str) -> list[storage.FileInfo]:
    """What a path of the Hugging Face hub finds. Raises RecipeError where the hub cannot be asked."""
    cure = "download the data set and name its folder, or mend the address, the network or HF_TOKEN"
    try:
        return storage.glob(pattern)
    except ImportError:
        raise RecipeError(place, f"{pattern!r} needs a package: pip install huggingface_hub") from None
    except RecipeError:
        raise
    except Exception as error:  # of the hub's own client, which has exceptions of several libraries
        raise RecipeError(place, f"{pattern!r}: the hub does not answer ({type(error).__name__}); {cure}") from None


def files_under(folder: str, format: str = "rows") -> list[storage.FileInfo]:
    """The files in a folder, and in those in it, that a source of the format takes."""
    return [info for info in everything_under(folder) if info.kind == "file" and is_taken(info.path, format)]


def place_of(path: str, patterns: Sequence[str]) -> str:
    """Where a file stands under the path that found it: below the folders that it names without a wildcard.

    >>> place_of("raw/code/a/b.py", ["raw/code/**/*.py"]), place_of("raw/x.md", ["raw/x.md"]), place_of("raw/a/x.md", ["raw"])
    ('a/b.py', 'x.md', 'a/x.md')
    """
    places = []
    for pattern in patterns:
        bare = pattern.split("://", 1)[-1].rstrip("/")
        fixed = bare[: min((bare.index(c) for c in "*?[" if c in bare), default=len(bare))]
        folder = fixed if fixed == bare and path != bare else fixed.rpartition("/")[0]
        at = path.split("://", 1)[-1]
        if folder and at.startswith(f"{folder}/"):
            places.append(at[len(folder) + 1 :])
    return min(places, key=len, default=path.split("://", 1)[-1].lstrip("/"))


def everything_under(folder: str) -> list[storage.FileInfo]:
    """What stands in a folder and those in it, folders too."""
    return storage.glob(storage.join(glob.escape(folder), "**", "*"))


def check_paths(recipe: Recipe) -> dict[int, dict[str, storage.FileInfo]]:
    """The files of each source that stands on this machine whole, by its place in the recipe. Raises RecipeError for the first path of a
    source on this machine that leads to no file."""
    found = {}
    for index, source in enumerate(recipe.sources):
        if all(storage.is_local(pattern) for pattern in source.paths):
            found[index] = files_of_source(source, index)
            continue
        for number, pattern in enumerate(source.paths):
            if storage.is_local(pattern) or pattern.startswith("hf://"):
                files_of(pattern, f"sources[{index}].paths[{number}]", source.format)
    return found


def _absolute_path(value: Any) -> Any:
    if isinstance(value, str):
        return value if formatters.is_inline(value) else storage.absolute(value)
    if isinstance(value, dict):
        return {key: _absolute_path(one) for key, one in value.items()}
    return [storage.absolute(one) for one in value] if isinstance(value, list) else value


def _inside(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return absolute(value)
    if isinstance(value, list):
        return [_inside(one) for one in value]
    if isinstance(value, dict):
        return {key: _inside(one) for key, one in value.items()}
    return value
