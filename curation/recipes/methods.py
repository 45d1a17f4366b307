"""``syllabus methods``: every part that a recipe can be made of, and every recipe that ships, read from the code itself."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from curation.methods import formatters, groupers, mixers, orders, schedules, scorers, selectors
from curation.recipes.recipe_file import load
from schemas.recipe import Recipe

IDEAS: dict[str, dict[type, Callable[..., Any]]] = {
    "grouper": groupers.FUNCTIONS,
    "scorer": scorers.FUNCTIONS,
    "selector": selectors.FUNCTIONS,
    "mixer": mixers.FUNCTIONS,
    "schedule": schedules.FUNCTIONS,
    "order": orders.FUNCTIONS,
    "formatter": formatters.FUNCTIONS,
}
_CITED = re.compile(r"\(([^()]*\b(?:19|20)\d\d[^()]*)\)")
_NAMED = re.compile(r"\(([A-Z][^()]{2,60})\)")
_SOURCE = re.compile(r"Sources?: (.+?)(?<! al)(?:[.;:](?:\s|$)|\n\n)", re.DOTALL)
_HEAD = re.compile(r"^# (.+?): ", re.DOTALL)


@dataclass(frozen=True)
class Part:
    """One method of one idea."""

    idea: str
    name: str
    summary: str
    source: str
    recipes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Example:
    """One recipe that ships: what it mirrors, with its source, the parts it is made of, and what its release must show."""

    name: str
    method: str
    description: str
    parts: tuple[tuple[str, str], ...]
    promises: tuple[str, ...] = ()


def examples(folder: Path) -> list[Example]:
    """The recipes of a folder, by name."""
    made = []
    for path in sorted(folder.glob("*.yaml")):
        comment = re.sub(r"\n# ?", " ", path.read_text(encoding="utf-8").split("\n\n")[0])
        head = _HEAD.match(comment)
        recipe = load(str(path))
        named = sorted(
            {part for field in ("tags", "mixture", "phases", "conditioning") for part in _parts(recipe, field)}
        )
        made.append(Example(path.stem, head[1] if head else "", recipe.description, tuple(named), _promises(recipe)))
    return made


def parts(shipped: Iterable[Example]) -> list[Part]:
    """Every method of the seven ideas, and the recipes that use it."""
    users: dict[tuple[str, str], list[str]] = {}
    for example in shipped:
        for part in example.parts:
            users.setdefault(part, []).append(example.name)
    return [
        Part(
            idea,
            name_of(model),
            _first_line(model),
            _source(model, function),
            tuple(users.get((idea, name_of(model)), ())),
        )
        for idea, functions in IDEAS.items()
        for model, function in functions.items()
    ]


def _promises(recipe: Recipe) -> tuple[str, ...]:
    return tuple(one.says or one.check for one in recipe.promise)


def name_of(model: type) -> str:
    """What the recipe writes as `from` or `method`."""
    fields = model.model_fields  # type: ignore[attr-defined]
    return str(get_args(fields["from_" if "from_" in fields else "method"].annotation)[0])


def _parts(recipe: BaseModel, field: str) -> Iterable[tuple[str, str]]:
    """Every method that a field of the recipe is made of, whatever its depth."""
    if field not in recipe.model_fields_set:
        return
    by_model = {model: idea for idea, functions in IDEAS.items() for model in functions}
    waiting: list[Any] = [getattr(recipe, field)]
    while waiting:
        value = waiting.pop()
        if type(value) in by_model:
            yield by_model[type(value)], name_of(type(value))
        if isinstance(value, BaseModel):
            waiting += [getattr(value, name) for name in value.model_fields_set]
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _first_line(model: type) -> str:
    return (
        _CITED.sub("", (model.__doc__ or "").split("\n\n")[0].replace("\n", " ")).replace("  ", " ").replace(" .", ".")
    )


def _source(model: type, function: Callable[..., Any]) -> str:
    """The paper: the docstring's `Source:`, else what is cited in it or in the model's."""
    text = sys.modules[function.__module__].__doc__ or ""
    said = _SOURCE.search(text)
    if said:
        return " ".join(said[1].split())
    both = f"{text}\n\n{model.__doc__ or ''}"
    cited = _CITED.search(both) or _NAMED.search(both)
    return " ".join(cited[1].split()) if cited else "—"
