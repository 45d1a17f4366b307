"""The flow `next_round`: a loss report in, the next release out."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.curate import Overlap, curate
from flows.engines import task_runner
from flows.recipe_choice import GivenRecipe
from flows.storage_credentials import StorageCredentials
from schemas.engine import Engine


@flow(
    name="next_round",
    flow_run_name="{recipe.name}, next round",
    description="A loss report in, the next release out: online mixtures and rounds go on from the last release.",
    task_runner=task_runner(Engine()),
)
def next_round(
    recipe: GivenRecipe, losses: str, overlap: Overlap = "wait", credentials: StorageCredentials | None = None
) -> dict[str, Any] | State:
    """Run a recipe with what training reported.

    Args:
        recipe: The recipe of the release that was trained on.
        losses: The loss report (JSON lines or Parquet): run_id, round, step, eval_index, group, loss.
        overlap: Where another run of this recipe is under way: wait for its end, or cancel this one.
        credentials: A block with the keys of object stores; left empty: those of the run's environment.
    """
    result: dict[str, Any] | State = curate.fn(recipe, losses, overlap, credentials)
    return result
