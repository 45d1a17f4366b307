"""`history`, `retain`: what the releases of a recipe remember, and which of them stay."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from flows.cli.terminal import AsJson, Overrides, RecipePath, flow_result, out


def history(
    recipe: RecipePath,
    forget: Annotated[str | None, typer.Option(help="Take this release out of the history.")] = None,
    overrides: Overrides = None,
    json_: AsJson = False,
) -> None:
    """What the releases of a recipe with `dedup.history` remember, and how it grows."""
    from curation import storage
    from curation.dedup import band_index
    from curation.recipes.recipe_file import load
    from curation.releases import history as history
    from curation.releases.home import Home

    loaded = load(recipe, overrides or ())
    home = Home(storage.join(loaded.output, loaded.name))
    if forget is not None:
        history.forget(home, forget)
    found = history.remembered(home)
    if json_:
        typer.echo(json.dumps([asdict(one) for one in found]))
        return
    index = band_index.load(home.cache("history"))
    table = Table(title=f"History of {loaded.name}", title_justify="left")
    for name in ("release", "documents", "bytes", "documents in all"):
        table.add_column(name, justify="left" if name == "release" else "right")
    total = 0
    for one in found:
        total += one.documents
        table.add_row(one.release, f"{one.documents:,}", f"{one.bytes:,}", f"{total:,}")
    out.print(table)
    if index is not None:
        out.print(
            f"index: {index.rows:,} documents of {len(index.releases)} releases in {len(index.runs)} runs, {index.bytes:,} bytes"
        )


def retain(
    recipe: RecipePath,
    keep_last: Annotated[int, typer.Option(min=1, help="How many of the newest releases stay.")] = 5,
    forget_history: Annotated[
        bool, typer.Option("--forget-history", help="Also remove releases that later runs are compared with.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
    overrides: Overrides = None,
    json_: AsJson = False,
) -> None:
    """Keep the last releases of a recipe; remove older ones, unfinished ones, and cached partitions nothing needs."""
    from curation.recipes.recipe_file import load

    loaded = load(recipe, overrides or ())
    result = flow_result("flows.retain", "retain", loaded, keep_last, forget_history, dry_run)
    if json_:
        typer.echo(json.dumps(result))
        return
    for name in result["removed"]:
        out.print(f"{'would go' if dry_run else 'removed'}  {name}", markup=False, highlight=False)
    for name, why in result["kept"].items():
        out.print(f"stays    {name}: {why}", markup=False, highlight=False)
