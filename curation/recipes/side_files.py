"""Files besides the sources that a release depends on: side tables, models, lists, benchmarks, graphs, runs, tokenizers."""

from __future__ import annotations

from curation import storage
from curation.cleaning.language import model_path
from curation.methods.formatters.chat_template import CHAT_FILES
from curation.recipes.recipe_paths import named_paths
from schemas.errors import RecipeError
from schemas.manifest import SideFile
from schemas.recipe import Recipe
from schemas.sources import Source
from schemas.training import Training


def side_files(recipe: Recipe, without: tuple[type, ...] = ()) -> list[SideFile]:
    """Each file once a place that uses it, by place and path: not what sources read, nor what trains a classifier, which no run
    reads. without: parts that are passed over too. Raises RecipeError with the place for one that is not there."""
    found: dict[tuple[str, str], SideFile] = {}
    digests: dict[str, str] = {}
    named = [
        (place, path) for place, path in named_paths(recipe, without=(Source, Training, *without)) if place != "output"
    ]
    if recipe.clean.language is not None and recipe.clean.language.model is None:
        named.append(("clean.language.model", model_path(recipe.clean.language)))
    for place, pattern in named:
        files = [file.url for file in storage.glob(pattern) if file.kind == "file"]
        if place.endswith("conditioning.tokenizer"):
            files = [path for name in CHAT_FILES if storage.exists(path := storage.join(pattern, name))]
        files = files or [file.url for file in storage.glob(storage.join(pattern, "*")) if file.kind == "file"]
        if not files:
            raise RecipeError(place, f"{pattern!r} is no file; mend the path")
        for url in files:
            digests[url] = digests.get(url) or storage.sha256(url)
            found[place, url] = SideFile(path=url, sha256=digests[url], used_by=place)
    return [found[key] for key in sorted(found)]
