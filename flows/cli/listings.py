"""`methods`, `presets`, `schema`: what a recipe can be made of."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from flows.cli.terminal import AsJson, out, printable
from schemas.errors import SyllabusError


def methods(
    name: Annotated[str | None, typer.Argument(help="a recipe or a part, to be told all of it")] = None,
    json_: AsJson = False,
) -> None:
    """List the methods: recipes that ship and what they mirror, and the parts they are made of; with a NAME all about one."""
    from curation.recipes import methods as listed
    from flows.recipe_choice import recipes_folder

    shipped = listed.examples(recipes_folder())
    parts = listed.parts(shipped)
    if name is not None:
        chosen = [one for one in shipped if one.name == name]
        of_name = [one for one in parts if one.name == name]
        if not chosen and not of_name:
            near = difflib.get_close_matches(name, [*(one.name for one in shipped), *(one.name for one in parts)], 3)
            raise SyllabusError(
                f"there is no recipe or part {printable(name)!r}"
                + (f"; did you mean {' or '.join(near)}?" if near else "; syllabus methods lists them")
            )
        shipped, parts = chosen, of_name
    if json_:
        typer.echo(json.dumps({"recipes": [asdict(x) for x in shipped], "parts": [asdict(x) for x in parts]}))
        return
    if name is not None:
        for example in shipped:
            _tell(example.name, example.method, example.description)
            out.print("made of: " + (", ".join(f"{idea} {one}" for idea, one in example.parts) or "nothing but phases"))
            for promise in example.promises:
                out.print(f"promise: {printable(promise)}", markup=False, highlight=False)
            out.print(f"syllabus run deployments/recipes/{example.name}.yaml", markup=False, highlight=False)
        for part in parts:
            _tell(f"{part.idea} {part.name}", part.source, part.summary)
            out.print(f"in the recipes: {', '.join(part.recipes) or 'none that ships'}", markup=False, highlight=False)
        return
    table = Table.grid(padding=(0, 2))
    for example in shipped:
        table.add_row(example.name, printable(example.method))
    out.print(table)
    out.print()
    for idea in listed.IDEAS:
        out.print(f"{idea}: {', '.join(one.name for one in parts if one.idea == idea)}", markup=False, highlight=False)
    out.print("\nsyllabus methods NAME tells all of a recipe or a part", markup=False, highlight=False)


def _tell(name: str, source: str, what: str) -> None:
    for line in (name, source, what):
        out.print(printable(line), markup=False, highlight=False)


def presets(json_: AsJson = False) -> None:
    """List the presets of `clean`: published pipelines, with the paper and the version of the code each one follows."""
    from schemas.presets import PRESETS

    if json_:
        typer.echo(json.dumps({name: preset._asdict() for name, preset in PRESETS.items()}))
        return
    table = Table(title="Presets (clean.preset)", title_justify="left")
    for name in ("preset", "paper", "code", "differs in", "ignored when texts are compared"):
        table.add_column(name, overflow="fold")
    for name, preset in PRESETS.items():
        table.add_row(name, preset.paper, preset.code, preset.differs, ", ".join(preset.normalise))
    out.print(table)


def schema() -> None:
    """Print the recipe's JSON Schema."""
    from schemas.recipe import Recipe

    typer.echo(json.dumps(Recipe.model_json_schema(by_alias=True), ensure_ascii=False, indent=2))
