"""`train-classifier`: a quality classifier of one's own."""

from __future__ import annotations

import json

import typer
from rich.table import Table

from flows.cli.terminal import AsJson, Overrides, RecipePath, flow_result, out


def train_classifier(recipe: RecipePath, overrides: Overrides = None, json_: AsJson = False) -> None:
    """Train the quality classifier of the recipe's section `train`: model, card and held-out figures."""
    from curation.recipes.recipe_file import load

    loaded = load(recipe, overrides or ())
    card = flow_result("flows.train_classifier", "train_classifier", loaded)
    if json_:
        typer.echo(json.dumps(card))
        return
    held = card["held_out"]
    table = Table(title="Held out", title_justify="left")
    for name in ("documents", "precision", "recall", "f1", "roc_auc"):
        table.add_column(name, justify="right")
    table.add_row(*(str(held[name]) for name in ("documents", "precision", "recall", "f1", "roc_auc")))
    out.print(table)
    table = Table(title="Reliability", title_justify="left")
    for name in ("score", "mean score", "share good", "documents"):
        table.add_column(name, justify="right")
    for row in held["reliability"]:
        band = f"{row['from']:.1f} to {row['to']:.1f}"
        table.add_row(band, f"{row['mean_score']:.3f}", f"{row['share_good']:.3f}", str(row["documents"]))
    out.print(table)
    out.print(f"{card['path']}, its card beside it (.md, .json)", markup=False, highlight=False, soft_wrap=True)
