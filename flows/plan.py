"""The flow `plan`: the stages up to the pool as `curate` runs them, then the plan, and nothing that stays but the cache."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from prefect import Flow

from curation import storage
from curation.methods.losses import LossReport
from curation.mixture import planned, planning
from curation.recipes.recipe_paths import absolute, check_allowed
from curation.releases import lease
from curation.releases.home import Home
from curation.releases.warnings import nothing_left
from flows import pool
from flows.engines import task_runner, told_of_lost_workers
from flows.progress import Progress
from schemas.recipe import Recipe


def with_engine(
    recipe: Recipe, *, keep: Callable[[planned.Planned], None], progress: Progress, losses: LossReport | None
) -> Flow[..., Any]:
    """The flow with the recipe's task runner, which hands the plan to ``keep``."""

    def body() -> None:
        with told_of_lost_workers():
            keep(prepare_and_plan(recipe, losses, progress))

    return Flow(body, name="plan", flow_run_name=f"plan {recipe.name}", task_runner=task_runner(recipe.engine))


def prepare_and_plan(recipe: Recipe, losses: LossReport | None, progress: Progress) -> planned.Planned:
    """The plan of the pool that a run would make now, inside a flow run. Raises RecipeError, InputError, RunError.

    Partitions are prepared in the recipe's cache, where a run finds them; the rest goes when the plan is made.
    """
    check_allowed(recipe)
    home = Home(storage.join(recipe.output, recipe.name))
    with lease.hold(home.folder, told=progress.say):  # what is prepared is prepared once
        looked = planned.look(recipe, home)
        before = home.latest()
        # A cluster that runs elsewhere does not share our working directory.
        there = absolute(recipe) if recipe.engine.address is not None else recipe
        name = f"plan-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        work = pool.begin(there, looked.inputs, home, name, looked.benchmarks)
        try:
            if pool.survivors(work, progress, {}) is None:
                raise nothing_left(work)
            feedback = planning.feedback_of(losses, home.manifest(before) if before is not None else None)
            candidates = planning.pool_of(work)
            made = planning.plan_of_pool(recipe, candidates, feedback)
            return planned.Planned(made, "the pool that a run would make now", None, len(candidates))
        finally:
            storage.delete_tree(work.folder)
