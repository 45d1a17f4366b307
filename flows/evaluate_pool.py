"""The flow `evaluate_pool`: what a recipe would keep, with statistics and histograms, and no shards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prefect import flow
from prefect.logging import get_run_logger

from curation import storage
from curation.release import Home, as_json
from curation.report import report
from curation.stages import catalogue as catalogue_stage
from curation.stages import decontaminate as decontaminate_stage
from curation.stages import planning, publish, samples
from flows import artifacts, tagging, writing
from flows.engines import task_runner
from flows.progress import Progress, on_the_run_page, timed
from flows.survivors import survivors
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
def evaluate_pool(recipe: Recipe) -> dict[str, Any]:
    """Evaluate a recipe's pool.

    Args:
        recipe: Sources, cleaning, deduplication and tags; phases and shards are not looked at.
    """
    manifest, folder = evaluate(recipe, on_the_run_page())
    artifacts.evaluated(manifest, folder)
    return {"folder": folder, "documents": manifest.funnel[-1].out}


def evaluate(recipe: Recipe, progress: Progress) -> tuple[Manifest, str]:
    """The record of an evaluation and its folder, ``OUTPUT/<name>/evaluations/<time>``. Raises RecipeError, InputError.

    History is not looked at: what an earlier release took counts like the rest.
    """
    planning.check_names(recipe)
    clean = recipe.clean.model_copy(update={"keep_statistics": bool(recipe.clean.rules)})
    dedup = recipe.dedup.model_copy(update={"history": False})
    recipe = recipe.model_copy(update={"clean": clean, "dedup": dedup})
    clock: dict[str, float] = {}
    home = Home(storage.join(recipe.output, recipe.name))
    now = datetime.now(UTC)
    name = now.strftime("%Y%m%dT%H%M%S%f")
    folder = home.path(EVALUATIONS, name)
    work = home.cache("work", f"evaluation-{name}")
    with timed(clock, "catalogue"):
        inputs = catalogue_stage.of_recipe(recipe, home)
        benchmarks = decontaminate_stage.item_files(recipe.decontaminate) if recipe.decontaminate is not None else ()
    left = survivors(recipe, inputs, benchmarks, home, work, progress, clock)
    with timed(clock, "tag"):
        pool = tagging.pool(recipe, left, folder, work, progress)
        shift = tagging.shift(recipe, left, work)
    with timed(clock, "ledger"):
        _, dropped = writing.ledger(recipe, left, pool, None, folder, progress)
    manifest = publish.evaluation(
        recipe,
        name=name,
        created=now.isoformat(timespec="seconds"),
        inputs=inputs,
        prepared=left.prepared,
        dropped=dropped,
        edits=left.edits,
        pool=pool,
        contamination=left.contamination,
        duplicates=shift,
        timings=clock | planning.seconds_of(left.parts),
    )
    if recipe.decontaminate is not None:
        decontaminate_stage.write_hits(left.hits, left.parts, left.of_source, folder)
    samples.write(left.parts, left.of_source, left.decided, left.just_kept, folder)
    plain = manifest.model_dump(mode="json", by_alias=True)
    storage.put(storage.join(folder, "evaluation.json"), as_json(plain))
    storage.put(storage.join(folder, "report.html"), report(plain, folder).encode())
    storage.delete_tree(work)
    get_run_logger().info("%d of %d documents would be kept", manifest.funnel[-1].out, manifest.funnel[0].in_)
    return manifest, folder
