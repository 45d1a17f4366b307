"""What a flow's form takes for a recipe: the recipe itself, section by section, or one that ships, by its name from a list."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from curation.recipes.recipe_file import load
from schemas.errors import RecipeError
from schemas.recipe import Recipe


def deployments_folder() -> Path:
    """``prefect.yaml`` and the recipes that ship."""
    return Path(__file__).resolve().parent.parent / "deployments"


def recipes_folder() -> Path:
    """The recipes that ship."""
    return deployments_folder() / "recipes"


def names() -> list[str]:
    """The names of the recipes that ship."""
    return sorted(path.stem for path in recipes_folder().glob("*.yaml"))


def _read(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    if given not in names():
        raise RecipeError("recipe", f"no recipe that ships is named {given!r}; `syllabus methods` lists them")
    return load(str(recipes_folder() / f"{given}.yaml"))


class _OrItsName:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_read, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        shipped = {"title": "One that ships", "type": "string", "enum": names()}
        return {"anyOf": [handler(core), shipped]}


GivenRecipe = Annotated[Recipe, _OrItsName()]
"""A recipe, or the name of one that ships, whose relative paths start where the run does."""
