"""`swarm`: proxy runs with drawn mixtures."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from flows.cli.terminal import AsJson, Overrides, RecipePath, kept, out


def swarm(
    recipe: RecipePath,
    runs: Annotated[int, typer.Option(help="How many mixtures to draw.", min=1)],
    tokens: Annotated[int, typer.Option(help="Tokens of each run.", min=1)],
    phase: Annotated[str | None, typer.Option(help="The phase whose mixture varies; default: the only one.")] = None,
    draw: Annotated[
        str | None, typer.Option(help="regmix or olmix; default: olmix for its mixture and groups by several names.")
    ] = None,
    overrides: Overrides = None,
    json_: AsJson = False,
) -> None:
    """Small releases with drawn mixtures over one pool, every text stored once, and `swarm.parquet` with their weights: train a
    proxy model on each, and let a fitted mixture (regmix, olmix, mixing_law) read their losses."""
    from curation.recipes.recipe_file import load
    from curation.recipes.recipe_paths import check_allowed, check_paths

    if draw not in (None, "regmix", "olmix"):
        raise typer.BadParameter(f"{draw!r} is no way to draw: regmix or olmix", param_hint="--draw")
    loaded = load(recipe, overrides or ())
    check_allowed(loaded)
    check_paths(loaded)
    from curation.mixture.planning import check_names  # what is soonest said if it is wrong came first
    from curation.mixture.swarm import Asked

    check_names(loaded)
    asked = Asked(runs, tokens, phase, draw)  # type: ignore[arg-type]
    made = kept("flows.swarm", loaded, asked, silent=json_)
    if json_:
        typer.echo(json.dumps(made.as_plain()))
        return
    texts = made.manifest.funnel[-1].out
    size = sum(shard.bytes for shard in made.manifest.shards)
    if not made.new:
        out.print("nothing new: the same swarm is there", markup=False, highlight=False)
    out.print(
        f"{made.runs:,} runs of {tokens:,} tokens over {texts:,} texts, {size:,} bytes, stored once",
        markup=False,
        highlight=False,
    )
    out.print(made.folder, markup=False, highlight=False, soft_wrap=True)
