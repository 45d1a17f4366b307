"""`evaluate-pool`: what a recipe would keep."""

from __future__ import annotations

import json
from typing import Any

import typer

from flows.cli.tables import print_funnel, print_warnings
from flows.cli.terminal import AsJson, Overrides, RecipePath, flow_result, out


def evaluate_pool(recipe: RecipePath, overrides: Overrides = None, json_: AsJson = False) -> None:
    """What a recipe would keep: statistics, histograms and samples as a page, no shards and no release."""
    from curation.recipes.recipe_file import load

    result = flow_result("flows.evaluate_pool", "evaluate_pool", load(recipe, overrides or ()))
    if json_:
        typer.echo(json.dumps(result))
        return
    from schemas.manifest import Manifest

    manifest = Manifest.model_validate(_evaluation(result["folder"]))
    print_funnel(manifest)
    print_warnings(manifest)
    out.print(f"{result['documents']:,} documents would be kept", markup=False, highlight=False)
    out.print(f"{result['folder']}/report.html", markup=False, highlight=False, soft_wrap=True)


def _evaluation(folder: str) -> Any:
    from curation import storage

    return json.loads(storage.read_bytes(storage.join(folder, "evaluation.json")))
