"""The flow `retain`: old releases and what nothing needs any more are removed."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from prefect.logging import get_run_logger
from pydantic import Field

from curation import storage
from curation.recipes.recipe_paths import check_allowed
from curation.releases import lease
from curation.releases.home import Home
from curation.releases.retain import plan_sweep
from curation.releases.retain import sweep as remove
from flows import artifacts
from flows.one_at_a_time import one_at_a_time
from flows.recipe_choice import GivenRecipe
from flows.storage_credentials import StorageCredentials, in_the_environment


@flow(
    name="retain",
    flow_run_name="retain {recipe.name}",
    description="Keeps the last releases of a recipe and removes older ones, unfinished ones, and cached partitions that no "
    "release that stays was made from. Never the latest release, the parent of one that stays, nor, unless "
    "asked to, one that later runs are compared with (`dedup.history`).",
)
def retain(
    recipe: GivenRecipe,
    keep_last: Annotated[int, Field(ge=1)] = 5,
    forget_history: bool = False,
    dry_run: bool = False,
    credentials: StorageCredentials | None = None,
) -> dict[str, Any]:
    """Keep the last releases of a recipe.

    Args:
        recipe: The recipe whose releases these are: its name and output say where they stand.
        keep_last: How many of the newest releases stay.
        forget_history: Also remove releases that later runs are compared with; what they kept may then come again.
        dry_run: Say what would go, and remove nothing.
        credentials: A block with the keys of object stores; left empty: those of the run's environment.
    """
    check_allowed(recipe)
    home = Home(storage.join(recipe.output, recipe.name))
    with (
        in_the_environment(credentials),
        one_at_a_time(recipe, wait=True),
        lease.hold(home.folder, told=get_run_logger().warning),
    ):
        plan = plan_sweep(home, keep_last=keep_last, forget_history=forget_history)
        if not dry_run:
            remove(home, plan)
    get_run_logger().info(
        "%d releases %s, %d stay; %d leftovers, %d cached partitions",
        len(plan.releases),
        "would go" if dry_run else "removed",
        len(plan.kept),
        len(plan.leftovers),
        len(plan.prepared),
    )
    artifacts.retained(recipe.name, plan, dry_run=dry_run)
    return {"removed": plan.releases, "kept": plan.kept, "leftovers": plan.leftovers, "prepared": len(plan.prepared)}
