"""`plan`: what a run would write, without writing it."""

from __future__ import annotations

import importlib
import json
from typing import Annotated, Any

import typer
from rich.table import Table

from flows.cli.terminal import AsJson, Losses, Overrides, RecipePath, bars, out, printable, quiet
from flows.embedded_api import configure, embedded_api


def plan(
    recipe: RecipePath,
    overrides: Overrides = None,
    losses: Losses = None,
    sizes: Annotated[
        str | None, typer.Option(help="Declared group sizes, JSON: label -> tokens, or label -> {documents, tokens}.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """Show phases, weights and budgets without writing shards: from the last release's pool where the recipe would give the
    same today, else from one that is prepared (cached, as `run` would), or from declared sizes."""
    from curation.methods.losses import read_losses
    from curation.mixture import declared, planned
    from curation.mixture.planning import check_names
    from curation.recipes.recipe_file import load

    loaded = load(recipe, overrides or ())
    check_names(loaded)
    report_losses = read_losses(losses) if losses is not None else None
    if sizes is not None:
        made = declared.plan_declared(loaded, declared.load_sizes(sizes), report_losses)
        found = planned.Planned(made, f"the sizes of {sizes}")
    else:
        found = planned.from_release(loaded, report_losses) or _prepared_plan(loaded, report_losses, silent=json_)
    plain = found.as_plain()
    if json_:
        typer.echo(json.dumps(plain))
        return
    phases = plain["phases"]
    table = Table(title=f"Plan of {loaded.name}", title_justify="left")
    for name in ("phase", "budget", "group", "weight", "target"):
        table.add_column(name, justify="right" if name in ("weight", "target") else "left")
    for phase in phases:
        first = True
        for label, weight in phase["weights"].items():
            target = f"{phase['targets'][label]:,.0f} {phase['unit']}"
            table.add_row(
                phase["name"] if first else "",
                f"{phase['budget']['amount']:,.0f}" if first else "",
                printable(label),
                f"{weight:.4f}",
                target,
            )
            first = False
    out.print(table)
    for phase in phases:
        for note in phase["notes"]:
            out.print(f"{phase['name']}: {note}", markup=False, highlight=False)
    out.print(found.said, markup=False, highlight=False, soft_wrap=True)


def _prepared_plan(recipe: Any, losses: Any, *, silent: bool) -> Any:
    """The plan of a pool that is prepared for it, by the flow `plan`; the first user error is raised as it is."""
    configure()
    quiet()
    with embedded_api(recipe.engine.address, meanwhile=lambda: importlib.import_module("flows.plan")):
        from flows import plan as plan_module

        made: list[Any] = []
        flow: Any = plan_module.with_engine(recipe, keep=made.append, progress=bars(silent=silent), losses=losses)
        failure = flow(return_state=True).result(raise_on_failure=False)
    if isinstance(failure, BaseException):
        raise failure
    return made[0]
