"""`methods`, `presets`, `schema`: what a recipe can be made of."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer
from rich.table import Table

from flows.cli.terminal import AsJson, out, printable


def methods(json_: AsJson = False) -> None:
    """List the methods: recipes that ship and what they mirror, and the parts they are made of, with sources."""
    from curation.recipes import methods as listed
    from flows.serving import recipes_folder

    shipped = listed.examples(recipes_folder())
    parts = listed.parts(shipped)
    if json_:
        typer.echo(json.dumps({"recipes": [asdict(x) for x in shipped], "parts": [asdict(x) for x in parts]}))
        return
    table = Table(title="Recipes (deployments/recipes/)", title_justify="left")
    for name in ("recipe", "mirrors", "what", "parts"):
        table.add_column(name, overflow="fold")
    for example in shipped:
        made_of = ", ".join(f"{idea} {name}" for idea, name in example.parts)
        table.add_row(example.name, printable(example.method), printable(example.description), made_of)
    out.print(table)
    table = Table(title="Parts", title_justify="left")
    for name in ("idea", "method", "what it does", "source", "recipes"):
        table.add_column(name, overflow="fold")
    for part in parts:
        table.add_row(part.idea, part.name, printable(part.summary), printable(part.source), ", ".join(part.recipes))
    out.print(table)


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
