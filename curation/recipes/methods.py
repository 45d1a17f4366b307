"""``syllabus methods``: every part that a recipe can be made of, and every recipe that ships, read from the code itself."""

from __future__ import annotations

import json
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
SETTING_CHARS = 120
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
class Used:
    """A method where a recipe uses it: its place, what it does, and what the recipe sets of it."""

    place: str
    idea: str
    name: str
    summary: str
    settings: str


@dataclass(frozen=True)
class Example:
    """One recipe that ships: what it mirrors, with its source, the parts it is made of, and what its release must show."""

    name: str
    method: str
    description: str
    parts: tuple[tuple[str, str], ...]
    used: tuple[Used, ...] = ()
    promises: tuple[str, ...] = ()


def examples(folder: Path) -> list[Example]:
    """The recipes of a folder, by name."""
    made = []
    for path in sorted(folder.glob("*.yaml")):
        comment = re.sub(r"\n# ?", " ", path.read_text(encoding="utf-8").split("\n\n")[0])
        head = _HEAD.match(comment)
        recipe = load(str(path))
        told = tuple(used(recipe))
        named = tuple(sorted({(one.idea, one.name) for one in told}))
        about = head[1] if head else ""
        made.append(Example(path.stem, about, recipe.description, named, told, _promises(recipe)))
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


def used(recipe: Recipe) -> list[Used]:
    """Every method that a recipe is made of, in its order; the same one with the same settings in several phases once."""
    made = [
        one
        for field in ("tags", "mixture", "conditioning", "phases")
        if field in recipe.model_fields_set
        for one in _used(getattr(recipe, field), field)
    ]
    first = {(one.idea, one.name, one.settings): one for one in reversed(made)}
    return [one for one in made if first[one.idea, one.name, one.settings] is one]


def _used(value: Any, place: str) -> Iterable[Used]:
    idea = next((idea for idea, functions in IDEAS.items() if type(value) in functions), None)
    if idea is not None:
        yield Used(place, idea, name_of(type(value)), _first_line(type(value)), settings_of(value))
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            if name in value.model_fields_set:
                yield from _used(getattr(value, name), f"{place}.{name}")
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _used(one, f"{place}.{name}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _used(one, f"{place}[{number}]")


def settings_of(part: BaseModel) -> str:
    """What a recipe sets of a method, but for what is so by default."""
    plain = part.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    return ", ".join(f"{name}: {_short(one)}" for name, one in plain.items() if name not in ("from", "method"))


def _short(value: object) -> str:
    said = json.dumps(value, ensure_ascii=False)
    return said if len(said) <= SETTING_CHARS else said[:SETTING_CHARS] + "…"


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
