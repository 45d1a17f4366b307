"""`run`: a recipe to a release."""

from __future__ import annotations

import importlib
import json
import time
from typing import Any

import typer

from flows.cli.tables import print_end, print_funnel, print_mixture, print_packing, print_promises, print_warnings
from flows.cli.terminal import AsJson, Losses, Overrides, Quiet, RecipePath, Verbose, bars, out, quiet
from flows.embedded_api import configure, embedded_api
from schemas.errors import SyllabusError


def run(
    recipe: RecipePath,
    overrides: Overrides = None,
    losses: Losses = None,
    quiet_: Quiet = False,
    verbose: Verbose = False,
    json_: AsJson = False,
) -> None:
    """Run a recipe: the `curate` flow, on an embedded Prefect API where none is configured."""
    from curation.recipes.recipe_file import load

    began = time.monotonic()
    loaded = load(recipe, overrides or ())
    check(loaded)
    configure()
    quiet(verbose=verbose)
    with embedded_api(loaded.engine.address, meanwhile=lambda: get_ready(loaded)):
        outcome = _run_flow(loaded, losses, silent=json_ or quiet_)
    seconds = time.monotonic() - began
    if json_:
        result = {"release": outcome.release, "folder": outcome.folder, "message": outcome.message}
        typer.echo(json.dumps(result | _counts(outcome.manifest, seconds)))
        return
    if outcome.manifest is not None and not quiet_:
        print_funnel(outcome.manifest)
        print_mixture(outcome.manifest)
        print_packing(outcome.manifest)
        print_warnings(outcome.manifest)
        print_promises(outcome.manifest)
        print_end(outcome.manifest, outcome.folder, seconds)
    if not quiet_:
        out.print(outcome.message, markup=False, highlight=False)
    if outcome.release is not None:
        out.print(f"{outcome.folder}", markup=False, highlight=False, soft_wrap=True)


def _counts(manifest: Any, seconds: float) -> dict[str, Any]:
    """What a program wants to know of a new release: counts, and what looks odd in words."""
    if manifest is None:
        return {}
    from curation.releases.warnings import said

    return {
        "documents": manifest.funnel[-1].out,
        "rows": sum(shard.rows for shard in manifest.shards),
        "tokens": sum(shard.tokens for shard in manifest.shards),
        "shards": len(manifest.shards),
        "seconds": round(seconds, 3),
        "dropped": {stage.stage: sum(stage.dropped.values()) for stage in manifest.funnel},
        "errors": manifest.errors["count"],
        "warnings": [said(one) for one in manifest.warnings],
        "promises": [one.model_dump() for one in manifest.promises],
    }


def check(recipe: Any) -> None:
    """What can be said of a recipe before anything is started: limits, roots, paths, and the columns of small sources."""
    from curation.recipes.memory import bounds
    from curation.recipes.recipe_paths import check_allowed, check_paths

    bounds(recipe.engine)
    check_allowed(recipe)
    files = check_paths(recipe)
    from curation.recipes.first_files import check_first_files

    check_first_files(recipe, files)


def get_ready(recipe: Any) -> None:
    """What can be done while the API comes up."""
    from curation.mixture.planning import check_names

    check_names(recipe)
    importlib.import_module("flows.curate")


def _run_flow(recipe: Any, losses: str | None, *, silent: bool) -> Any:
    """The flow run, with progress bars on standard error; the first user error is raised as it is."""
    from flows import curate as curate_module

    outcome: list[Any] = []
    state: Any = curate_module.with_engine(recipe, keep=outcome.append, progress=bars(silent=silent))(
        recipe, losses, return_state=True
    )
    if not state.is_completed():
        failure = state.result(raise_on_failure=False)
        if isinstance(failure, BaseException):
            raise failure
        raise SyllabusError(f"the run ended as {state.name}")
    return outcome[0]
