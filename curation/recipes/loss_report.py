"""The tags of a recipe that read the loss report of a run."""

from __future__ import annotations

from schemas.groupers import Notebook
from schemas.recipe import Recipe
from schemas.scorers import Table


def with_report(recipe: Recipe, losses: str | None) -> Recipe:
    """The recipe, whose tags without a file read this report; as it is where there is none."""
    if losses is None:
        return recipe
    tags = {
        name: tag.model_copy(update={"path": losses}) if isinstance(tag, Table | Notebook) and tag.path is None else tag
        for name, tag in recipe.tags.items()
    }
    return recipe.model_copy(update={"tags": tags})
