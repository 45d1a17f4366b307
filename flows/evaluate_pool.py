"""The flow `evaluate_pool`: what a recipe would keep, with statistics and histograms, and no shards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prefect import flow
from prefect.logging import get_run_logger

from curation import storage
from curation.decontamination.items import item_files
from curation.mixture import planning
from curation.recipes.recipe_paths import check_allowed
from curation.releases import lease, samples, warnings
from curation.releases.hits import write_hits
from curation.releases.home import Home, as_json
from curation.releases.manifest import add_drops, evaluation, groups_of
from curation.releases.report import report
from curation.stages import catalogue as catalogue_stage
from flows import artifacts, pool
from flows.engines import task_runner
from flows.progress import Progress, on_the_run_page, timed
from flows.recipe_choice import GivenRecipe
from flows.run import run_stage
from flows.storage_credentials import StorageCredentials, in_the_environment
from schemas.engine import Engine
from schemas.manifest import Manifest
from schemas.recipe import Recipe

EVALUATIONS = "evaluations"


@flow(
    name="evaluate_pool",
    flow_run_name="evaluate {recipe.name}",
    description="What a recipe would keep: funnel, dropped samples, histograms of what every rule measured, sizes of the "
    "groups. No plan, no shards, no release: to choose rules and thresholds from.",
    task_runner=task_runner(Engine()),
    persist_result=False,
)
def evaluate_pool(recipe: GivenRecipe, credentials: StorageCredentials | None = None) -> dict[str, Any]:
    """Evaluate a recipe's pool.

    Args:
        recipe: Sources, cleaning, deduplication and tags; phases and shards are not looked at.
        credentials: A block with the keys of object stores; left empty: those of the run's environment.
    """
    with in_the_environment(credentials):
        manifest, folder = evaluate(recipe, on_the_run_page())
    artifacts.evaluated(manifest, folder)
    return {"folder": folder, "documents": manifest.funnel[-1].out}


def evaluate(recipe: Recipe, progress: Progress) -> tuple[Manifest, str]:
    """The record of an evaluation and its folder, ``OUTPUT/<name>/evaluations/<time>``. Raises RecipeError, InputError.

    History is not looked at: what an earlier release took counts like the rest.
    """
    check_allowed(recipe)
    planning.check_names(recipe)
    with lease.hold(storage.join(recipe.output, recipe.name), told=progress.say):
        return _evaluate(recipe, progress)


def _evaluate(recipe: Recipe, progress: Progress) -> tuple[Manifest, str]:
    clean = recipe.clean.model_copy(update={"keep_statistics": bool(recipe.clean.rules)})
    dedup = recipe.dedup.model_copy(update={"history": False})
    recipe = recipe.model_copy(update={"clean": clean, "dedup": dedup})
    clock: dict[str, float] = {}
    home = Home(storage.join(recipe.output, recipe.name))
    now = datetime.now(UTC)
    name = now.strftime("%Y%m%dT%H%M%S%f")
    folder = home.path(EVALUATIONS, name)
    with timed(clock, "catalogue"):
        inputs = catalogue_stage.of_recipe(recipe, home)
        benchmarks = item_files(recipe.decontaminate) if recipe.decontaminate is not None else ()
    work = pool.begin(recipe, inputs, home, f"evaluation-{name}", benchmarks)
    left = pool.survivors(work, progress, clock)
    if left is None:
        raise warnings.nothing_left(work)
    work.begin_release(storage.absolute(folder))
    ledgers = run_stage("ledger", work, progress, clock)
    manifest = evaluation(
        recipe,
        name=name,
        created=now.isoformat(timespec="seconds"),
        work=work,
        dropped=add_drops(*(part.dropped for part in work.parts), *(one["decided"] for one in ledgers)),
        edits=left.edits,
        groups=groups_of(planning.pool_of(work), planning.group_names(recipe)),
        contamination=left.contamination,
        duplicates=left.duplicates,
        timings=clock | planning.seconds_of(work.parts),
    )
    manifest.substrings = left.substrings
    manifest.warnings = warnings.warnings(work, [one["decided"] for one in ledgers], planning.group_names(recipe))
    if recipe.decontaminate is not None:
        write_hits(work)
    samples.write(work, left.just_kept)
    plain = manifest.model_dump(mode="json", by_alias=True)
    storage.put(storage.join(folder, "evaluation.json"), as_json(plain))
    storage.put(storage.join(folder, "report.html"), report(plain, folder).encode())
    storage.delete_tree(work.folder)
    get_run_logger().info("%d of %d documents would be kept", manifest.funnel[-1].out, manifest.funnel[0].in_)
    return manifest, folder
