"""What the forms take for a recipe: a name, a recipe with folded sections, and one that says all there is to say."""

from __future__ import annotations

import jsonschema  # type: ignore[import-untyped]
import pytest

from curation.recipes.recipe_file import load, validate
from flows.curate import curate
from flows.recipe_choice import names, recipes_folder
from schemas.errors import RecipeError
from schemas.presets import PRESETS
from schemas.recipe import Recipe

SCHEMA = jsonschema.Draft202012Validator(curate.parameters.model_dump())
SOURCES = [{"name": "web", "paths": ["raw/*.jsonl"]}]


def of(given: object) -> Recipe:
    """What the flow gets of a parameter that the server has let through."""
    assert SCHEMA.is_valid({"recipe": given})
    recipe = curate.validate_parameters({"recipe": given})["recipe"]
    assert isinstance(recipe, Recipe)
    return recipe


def test_a_name_is_that_recipe() -> None:
    assert of("meco") == load(str(recipes_folder() / "meco.yaml"))


@pytest.mark.parametrize("given", ["meko", "../recipes/meco", ""])
def test_another_name_is_refused_by_server_and_flow(given: str) -> None:
    assert not SCHEMA.is_valid({"recipe": given})
    with pytest.raises(RecipeError, match="no recipe that ships is named"):
        curate.validate_parameters({"recipe": given})


def test_a_form_that_is_filled_in_with_a_recipe_gives_it_back() -> None:
    for name in names()[::10]:
        recipe = load(str(recipes_folder() / f"{name}.yaml"))
        form = recipe.as_form()
        assert of(form) == recipe
        assert of(recipe.resolved()) == validate(recipe.resolved())
        assert "engine" not in form
        assert len(str(form)) < len(str(recipe.resolved()))


def test_a_section_that_is_null_has_its_defaults() -> None:
    folded = dict.fromkeys(("clean", "dedup", "shards", "limits", "trainer", "engine"))
    sources = [SOURCES[0] | {"columns": None}]
    assert of({"name": "a", "sources": sources, **folded}) == of({"name": "a", "sources": SOURCES})
    off = of({"name": "a", "sources": SOURCES, "mixture": None})  # where null says something, it still does
    assert off.mixture is None


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_fills_in_what_is_folded(preset: str) -> None:
    wanted = of({"name": "a", "sources": SOURCES, "clean": {"preset": preset}})
    clean = {"preset": preset, "normalisers": None, "pii": None}
    assert of({"name": "a", "sources": SOURCES, "clean": clean, "dedup": None}) == wanted


def test_help_names_the_default_once() -> None:
    said = curate.parameters.model_dump()["definitions"]["Engine"]["properties"]["kind"]["description"]
    assert said.endswith(" Default: threads.")
    assert said.count("Default:") == 1
