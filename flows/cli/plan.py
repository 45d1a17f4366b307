"""`plan`: what a run would write, without writing it."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from flows.cli.terminal import AsJson, Losses, Overrides, RecipePath, kept, out, printable

BAR = 16


def plan(
    recipe: RecipePath,
    overrides: Overrides = None,
    losses: Losses = None,
    sizes: Annotated[
        str | None, typer.Option(help="Declared group sizes, JSON: label -> tokens, or label -> {documents, tokens}.")
    ] = None,
    compare: Annotated[str | None, typer.Option(help="Another recipe, whose plan is shown beside this one's.")] = None,
    json_: AsJson = False,
) -> None:
    """Show phases, weights and budgets without writing shards: from the last release's pool where the recipe would give the
    same today, else from one that is prepared (cached, as `run` would), or from declared sizes."""
    from curation.methods.losses import read_losses
    from curation.mixture import declared, planned
    from curation.mixture.planning import check_names
    from curation.recipes.loss_report import with_report
    from curation.recipes.recipe_file import load

    loaded = [with_report(load(one, overrides or ()), losses) for one in (compare, recipe) if one is not None]
    for one in loaded:
        check_names(one)
    report_losses = read_losses(losses) if losses is not None else None
    given = declared.load_sizes(sizes) if sizes is not None else None
    plans = [
        planned.Planned(declared.plan_declared(one, given, report_losses), f"the sizes of {sizes}")
        if given is not None
        else planned.from_release(one, report_losses) or kept("flows.plan", one, losses=report_losses, silent=json_)
        for one in loaded
    ]
    if compare is not None:
        _side_by_side(plans, (compare, recipe), json_=json_)
    else:
        _alone(loaded[0].name, plans[0], json_=json_)


def _alone(name: str, found: Any, *, json_: bool) -> None:
    plain = found.as_plain()
    if json_:
        typer.echo(json.dumps(plain))
        return
    phases = plain["phases"]
    table = Table(title=f"Plan of {name}", title_justify="left")
    for column in ("phase", "budget", "group", "weight", "target", "epochs"):
        table.add_column(column, justify="right" if column in ("weight", "target", "epochs") else "left")
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
                _times(phase["epochs"][label]),
            )
            first = False
    out.print(table)
    for phase in phases:
        for note in phase["notes"]:
            out.print(f"{phase['name']}: {note}", markup=False, highlight=False)
        if phase["fit"] is not None:
            out.print(f"{phase['name']}: {_of_fit(phase['fit'])}", markup=False, highlight=False, soft_wrap=True)
    out.print(found.said, markup=False, highlight=False, soft_wrap=True)


def _of_fit(fit: dict[str, Any]) -> str:
    """How well a fitted mixture does, in a sentence."""
    rank, error = fit["rank_correlation"], fit["mean_absolute_error"]
    said = "all are foretold alike" if rank is None else f"rank correlation {rank:.3f}"
    return f"fitted to {fit['runs']:,} runs; of {fit['checked']:,} others, {said}" + (
        f", mean absolute error {error:.4g}" if error is not None else ""
    )


def _side_by_side(plans: list[Any], names: tuple[str, str], *, json_: bool) -> None:
    """Both plans, group by group: weights, epochs, how much of it is repeated, and a bar of the target in each."""
    from curation.mixture import compared

    rows = compared.compare(plans[0].plan, plans[1].plan)
    if json_:
        typer.echo(json.dumps({"plans": [one.as_plain() for one in plans], "compared": compared.as_plain(rows)}))
        return
    for phase in dict.fromkeys(row.phase for row in rows):
        mine = [row for row in rows if row.phase == phase]
        table = Table(title=f"{phase} ({mine[0].unit}; A {names[0]}, B {names[1]})", title_justify="left")
        table.add_column("group")
        for column in ("weight A", "B", "epochs A", "B", "unique A", "B", "repeated A", "B"):
            table.add_column(column, justify="right")
        table.add_column("target, A over B")
        most = max(side.target for row in mine if row.group is not None for side in (row.first, row.second) if side)
        for row in mine:
            sides = (row.first, row.second)
            bars_ = "\n".join(_bar(side.target / most if side and most else 0.0) for side in sides)
            table.add_row(
                "(all)" if row.group is None else printable(row.group),
                *(f"{side.weight:.4f}" if side else "" for side in sides),
                *(_times(side.epochs) if side else "" for side in sides),
                *(f"{side.unique:,.0f}" if side else "" for side in sides),
                *(f"{side.repeated:,.0f}" if side else "" for side in sides),
                bars_ if row.group is not None else "",
            )
        out.print(table)
    for name, one in zip(names, plans, strict=True):
        for phase in one.plan.phases:
            for note in phase.notes:
                out.print(f"{name}, {phase.name}: {note}", markup=False, highlight=False)
        out.print(f"{name}: {one.said}", markup=False, highlight=False, soft_wrap=True)


def _times(epochs: float | None) -> str:
    return "" if epochs is None else f"{epochs:.2f}"


def _bar(share: float) -> str:
    """A bar of a group's target; the longest is BAR wide."""
    eighths = round(share * BAR * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
