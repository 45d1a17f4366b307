"""Writes the pages of ``docs/`` that follow from the code: the recipe's reference, and a page a method that ships.

    python -m deployments.write_docs

A test says where they are not what this would write.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from curation.recipes import methods
from curation.recipes.reference import anchor
from flows.recipe_choice import recipes_folder
from schemas.recipe import Recipe

DOCS = Path(__file__).parent.parent / "docs"
WRITTEN = "<!-- written by python -m deployments.write_docs -->\n"


def pages() -> dict[str, str]:
    """Every such page, by its path in ``docs/``."""
    shipped = methods.examples(recipes_folder())
    made = {"reference.md": reference(), "methods.md": _list_of_methods(shipped)}
    for example in shipped:
        made[f"methods/{example.name}.md"] = _method(example)
    return made


def main() -> None:
    """Write them all, and remove pages of methods that ship no more."""
    made = pages()
    (DOCS / "methods").mkdir(parents=True, exist_ok=True)
    for path in (DOCS / "methods").glob("*.md"):
        if f"methods/{path.name}" not in made:
            path.unlink()
    for name, text in made.items():
        (DOCS / name).write_text(text, encoding="utf-8")


# The reference


def reference() -> str:
    """Every field of every part of a recipe: its type, its default and what it means."""
    lines = [
        WRITTEN + "# Every field of a recipe",
        "",
        "`syllabus schema` prints the same as JSON Schema. A part that is told apart by `method` or `from` has a section for each.",
        "",
    ]
    found: dict[str, type[BaseModel]] = {}
    waiting: list[type[BaseModel]] = [Recipe]
    while waiting:
        model = waiting.pop()
        if anchor(model) not in found:
            model.model_rebuild(force=True)  # what names a later model is resolved when a recipe is first read
            found[anchor(model)] = model
            waiting += [inner for field in model.model_fields.values() for inner in _models(_annotation(field))]
    own = [anchor(Recipe)]
    for field in Recipe.model_fields.values():  # sections that are one model, as they stand in a recipe
        inside = _models(_annotation(field))
        own += [anchor(inside[0])] if len(inside) == 1 else []
    # The rest by name: the order of a union's members is Python's to change.
    for name in [*dict.fromkeys(own), *sorted(set(found) - set(own))]:
        lines += _section(found[name])
    return "\n".join(lines).rstrip() + "\n"


def _section(model: type[BaseModel]) -> list[str]:
    told = [
        get_args(f.annotation)[0]
        for n, f in model.model_fields.items()
        if n in ("method", "from_") and get_args(f.annotation)
    ]
    title = f"{_words(model.__name__)}: `{told[0]}`" if told and isinstance(told[0], str) else _words(model.__name__)
    summary = " ".join((model.__doc__ or "").split())
    lines = [
        f"## {title} {{ #{anchor(model)} }}",
        "",
        _plain(summary),
        "",
        "| field | type | default | meaning |",
        "|---|---|---|---|",
    ]
    for name, field in model.model_fields.items():
        meaning = _plain(" ".join((field.description or "").split()))
        lines.append(f"| `{field.alias or name}` | {_type(_annotation(field))} | {_default(field)} | {meaning} |")
    return [*lines, ""]


def _annotation(field: FieldInfo) -> Any:
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)


def _plain(text: str) -> str:
    """Fit for a cell of a table: what is code stays as it is."""
    parts = text.replace("|", "\\|").split("`")
    return "`".join(one.replace("<", "&lt;") if number % 2 == 0 else one for number, one in enumerate(parts))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return f"[its own](#{anchor(type(value))})"
    if isinstance(value, list | dict) and value and isinstance(next(iter(_values(value))), BaseModel):
        return f"{len(value)} of them"
    shown = (
        yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6)
        .strip()
        .removesuffix("...")
        .strip()
    )
    if isinstance(value, str):
        shown = f'"{value}"'.replace("\n", "\\n")
    return f"`{shown}`".replace("|", "\\|")


def _values(value: list[Any] | dict[str, Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _type(annotation: Any) -> str:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(args[0]) + _bounds(args[1:])
    if isinstance(annotation, TypeVar):
        return "anything"
    if annotation is type(None):
        return "null"
    if origin in (Union, types.UnionType):
        # By name, for Python takes `A | B` for `B | A` and keeps the order of whichever came first.
        return " or ".join(sorted(dict.fromkeys(_type(one) for one in args), key=lambda name: (name == "null", name)))
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in args)
    if origin in (list, tuple, set, frozenset):
        inner = [one for one in args if one is not Ellipsis]
        return f"list of {' and '.join(_type(one) for one in inner)}" if inner else "list"
    if origin is dict:
        return f"{_type(args[0])} → {_type(args[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{_words(annotation.__name__)}](#{anchor(annotation)})"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", object: "anything"}
    return names.get(annotation, getattr(annotation, "__name__", "anything"))


def _bounds(metadata: tuple[Any, ...]) -> str:
    said = []
    for one in (inner for item in metadata for inner in (getattr(item, "metadata", None) or [item])):
        for name, words in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            bound = getattr(one, name, None)
            if isinstance(bound, int | float):
                said.append(f"{words} {bound:g}")
    return f" ({', '.join(said)})" if said else ""


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for one in get_args(annotation) for model in _models(one)]


# The methods


def _list_of_methods(shipped: list[methods.Example]) -> str:
    head = (DOCS / "methods.head.md").read_text(encoding="utf-8")
    lines = ["| recipe | mirrors | parts |", "|---|---|---|"]
    for example in shipped:
        named = ", ".join(f"{idea} `{name}`" for idea, name in example.parts)
        lines.append(f"| [`{example.name}`](methods/{example.name}.md) | {example.method} | {named} |")
    return WRITTEN + head.rstrip() + "\n\n" + "\n".join(lines) + "\n"


def _method(example: methods.Example) -> str:
    """What a shipped recipe says of itself, what it is made of, and the recipe."""
    text = (recipes_folder() / f"{example.name}.yaml").read_text(encoding="utf-8")
    comment, body = _split(text)
    said = " ".join(line.removeprefix("#").strip() for line in comment.splitlines())
    parts = [f"- `{one.place}`, {one.idea} `{one.name}`: {_plain(one.summary)}" for one in example.used]
    promises = [f"- {_plain(one)}" for one in example.promises]
    return "\n".join(
        [
            WRITTEN + f"# {example.name}",
            "",
            _plain(said),
            "",
            *(["Made of:", "", *parts, ""] if parts else []),
            *(["Its release promises, and `syllabus verify` checks:", "", *promises, ""] if promises else []),
            f"`syllabus run deployments/recipes/{example.name}.yaml`",
            "",
            "```yaml",
            body.strip(),
            "```",
            "",
        ]
    )


def _split(text: str) -> tuple[str, str]:
    """The comment that a recipe begins with, and the recipe."""
    lines = text.splitlines()
    first = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "\n".join(lines[:first]), "\n".join(lines[first:])


if __name__ == "__main__":
    main()
