"""The flow `watch`: a run of a recipe's deployment when new raw text has arrived, and only then."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from pydantic import Field, TypeAdapter

from curation.recipes.arrivals import Listing, list_sources, settled
from curation.recipes.recipe_file import canonical
from flows.recipe_choice import GivenRecipe
from flows.storage_credentials import StorageCredentials, in_the_environment
from schemas.errors import RecipeError, RunError
from schemas.recipe import Recipe


@flow(
    name="watch",
    flow_run_name="watch {deployment}",
    description="Looks whether a deployment's sources have files that they did not have when it looked last, and starts one run "
    "of it if so. Schedule it every minute or so: a run that finds nothing takes a second and starts nothing.",
    persist_result=False,
)
def watch(
    deployment: str = "curate/weekly-stream",
    quiet_seconds: Annotated[float, Field(ge=0)] = 30,
    credentials: StorageCredentials | None = None,
) -> dict[str, Any]:
    """Start a deployment's run when files have arrived.

    Args:
        deployment: Flow and deployment, `curate/weekly-stream`; its own parameter `recipe` names the sources.
        quiet_seconds: A file counts once it has not changed for so long: one that is still being written waits.
        credentials: A block with the keys of object stores; left empty: those of the run's environment.
    """
    with get_client(sync_client=True) as client:
        try:
            found = client.read_deployment_by_name(deployment)
        except ObjectNotFound:
            raise RunError(
                "watch", f"there is no deployment {deployment!r}; `prefect deployment ls` names them"
            ) from None
    if "recipe" not in found.parameters:
        raise RecipeError("recipe", f"the deployment {deployment} has no recipe of its own; name one that has")
    recipe: Recipe = TypeAdapter(GivenRecipe).validate_python(found.parameters["recipe"])
    with in_the_environment(credentials):
        listing = list_sources(recipe.sources)
    log = get_run_logger()
    if not listing:
        log.info("no files yet")
        return {"started": None, "files": 0}
    if not settled(listing, datetime.now(UTC), quiet_seconds):
        log.info("%d files, some changed within the last %g s: waiting", len(listing), quiet_seconds)
        return {"started": None, "files": len(listing)}
    # The same files start one run, however often and from wherever this looks: Prefect gives back the run it has.
    run = cast(FlowRun, run_deployment(found.id, timeout=0, idempotency_key=_key(recipe, listing), as_subflow=False))
    log.info("%d files; the run for them is %s", len(listing), run.name)
    return {"started": str(run.id), "files": len(listing)}


def _key(recipe: Recipe, listing: Listing) -> str:
    what = [recipe.name, recipe.output, sorted((file.path, file.bytes, file.stamp) for file in listing)]
    return "arrival-" + hashlib.sha256(canonical(what).encode()).hexdigest()[:32]
