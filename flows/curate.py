"""The flow ``curate``: the stages in order, from a recipe to a published release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from prefect import Flow, flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Cancelled

from curation import storage
from curation.arrays.give_back import give_back
from curation.decontamination.items import item_files
from curation.methods.losses import read_losses
from curation.mixture import planning
from curation.mixture.plan import Feedback
from curation.recipes.loss_report import with_report
from curation.recipes.recipe_paths import check_allowed
from curation.recipes.side_files import side_files
from curation.releases import history, lease, warnings
from curation.releases.home import Home
from curation.releases.lease import Lease
from curation.releases.manifest import content_key, groups_of
from curation.releases.work import Work
from curation.stages import catalogue as catalogue_stage
from curation.stages import gather
from flows import pool
from flows.engines import task_runner, told_of_lost_workers
from flows.one_at_a_time import one_at_a_time
from flows.progress import Progress, on_the_run_page, timed
from flows.recipe_choice import GivenRecipe
from flows.storage_credentials import StorageCredentials, in_the_environment
from flows.writing import Begun, Planned, write_release
from schemas.engine import Engine
from schemas.errors import SyllabusError
from schemas.manifest import Manifest, SideFile
from schemas.recipe import Recipe

Overlap = Literal["wait", "cancel"]


@dataclass(frozen=True)
class Outcome:
    """What a run came to: a new release, or why there is none. under_way: another one is, and is not waited for."""

    release: str | None
    folder: str | None
    message: str
    manifest: Manifest | None = field(default=None, repr=False)
    under_way: bool = False


@flow(
    name="curate",
    flow_run_name="{recipe.name}",
    description="Raw text in, a verified, ordered release out: read, clean, deduplicate, tag, mix, order, write.",
    task_runner=task_runner(Engine()),  # Prefect's default runs every partition at once
)
def curate(
    recipe: GivenRecipe,
    losses: str | None = None,
    overlap: Overlap = "wait",
    credentials: StorageCredentials | None = None,
) -> dict[str, Any] | State:
    """Run a recipe.

    Args:
        recipe: What to read, how to clean, mix and order it, and where to write.
        losses: A loss report of the last round (JSON lines or Parquet), for online mixtures.
        overlap: Where another run of this recipe is under way: wait for its end, or cancel this one.
        credentials: A block with the keys of object stores; left empty: those of the run's environment.
    """
    with in_the_environment(credentials):
        return _curate(recipe, losses, overlap)


def _curate(recipe: Recipe, losses: str | None, overlap: Overlap) -> dict[str, Any] | State:
    wait = overlap == "wait"
    under_way = f"another run of {recipe.name} is under way, and this one is not to wait for it"
    with one_at_a_time(recipe, wait=wait) as alone:
        if not alone:
            return Cancelled(message=under_way)
        if recipe.engine.model_copy(update={"partition_bytes": Engine().partition_bytes}) == Engine():
            outcome = run(recipe, losses, on_the_run_page(), wait=wait)
        else:
            made: list[Outcome] = []
            with_engine(recipe, keep=made.append, progress=on_the_run_page(), wait=wait)(recipe, losses)
            outcome = made[0]
    if outcome.under_way:
        return Cancelled(message=under_way)
    return {"release": outcome.release, "folder": outcome.folder, "message": outcome.message}


def with_engine(
    recipe: Recipe, *, keep: Callable[[Outcome], None], progress: Progress, wait: bool = True
) -> Flow[..., Any]:
    """The flow `curate` with the recipe's task runner, which shows its progress and hands its outcome to ``keep``."""

    # Any: Prefect would make the recipe's JSON Schema anew for each run, a fifth of a second, for no form to show.
    def body(recipe: Any, losses: Any = None) -> None:
        with told_of_lost_workers():
            keep(run(recipe, losses, progress, wait=wait))

    return Flow(
        body,
        name="curate",
        flow_run_name=recipe.name,
        task_runner=task_runner(recipe.engine),
        validate_parameters=False,
    )


def run(recipe: Recipe, losses: str | None, progress: Progress, *, wait: bool = True) -> Outcome:
    """The stages in order, inside a flow run. Raises RecipeError, InputError, RunError.

    wait: where another run is at work on the same folder, from whichever server; False returns at once, ``under_way``.
    """
    recipe = with_report(recipe, losses)
    check_allowed(recipe)
    planning.check_names(recipe)
    home = Home(storage.join(recipe.output, recipe.name))
    with lease.hold(home.folder, wait=wait, told=progress.say) as held:
        if held is None:
            return Outcome(None, None, f"another run is at work on {home.folder}", under_way=True)
        return _run(recipe, home, losses, progress, held)


def _run(recipe: Recipe, home: Home, losses: str | None, progress: Progress, held: Lease) -> Outcome:
    log = get_run_logger()
    clock: dict[str, float] = {}
    mended = home.mend_latest()
    home.sweep_finished()
    if mended:
        log.warning("latest.json now names %s, the newest complete release", mended)
        return Outcome(
            mended,
            home.path(mended),
            f"{mended} was complete but not yet the latest: it is now. Nothing else was done.",
        )

    with timed(clock, "catalogue"):
        inputs = catalogue_stage.of_recipe(recipe, home)
        if recipe.dedup.history:
            inputs = history.new_inputs(inputs, home)
            if not [file for file in inputs if not file.fault]:
                return Outcome(None, None, f"nothing new: earlier releases of {recipe.name} took every input file")
        benchmarks = item_files(recipe.decontaminate) if recipe.decontaminate is not None else ()
        report_losses = read_losses(losses) if losses is not None else None
        parent = home.latest()
        reported = (
            [SideFile(path=losses, sha256=storage.sha256(losses), used_by="--losses")] if losses is not None else []
        )
        used = side_files(recipe)
        besides = [*(one.sha256 for one in reported), "", *(one.sha256 for one in used)]
        if recipe.dedup.history:
            besides.append(parent or "")
        key = content_key(recipe, inputs, besides)
        before = home.manifest(parent) if parent is not None else None
        if before is not None and before.get("content_key") == key:
            return Outcome(
                None, home.path(parent or ""), f"nothing new since {parent}: the recipe and its inputs are the same"
            )
    log.info("%d input files, %d bytes", len(inputs), sum(file.bytes for file in inputs))

    work = pool.begin(recipe, inputs, home, key[:16], benchmarks)
    left = pool.survivors(work, progress, clock)
    if left is None:
        if recipe.dedup.history:
            return Outcome(None, None, "nothing new was kept: earlier releases hold it all; no release was made")
        raise warnings.nothing_left(work)

    with timed(clock, "plan"), progress.stage("plan and schedule", 1):
        try:
            planned = _plan(work, planning.feedback_of(report_losses, before))
            give_back()
        except SyllabusError:
            storage.delete_tree(work.folder)  # once it is mended, the recipe's work has another name
            raise
    log.info("%d rows scheduled in %d phases", planned.scheduled.rows, len(planned.plan.phases))

    begun = Begun(
        recipe,
        home,
        work,
        left,
        inputs,
        benchmarks,
        key,
        progress,
        clock,
        held,
        parent=parent,
        before=before,
        losses=reported,
        side_files=used,
    )
    name, folder, manifest = write_release(begun, planned)
    return Outcome(name, folder, f"release {name}", manifest)


def _plan(work: Work, feedback: Feedback) -> Planned:
    """Plan, schedule and shards, and what the pool holds; pool and schedule themselves go with this frame, before the shards
    are written."""
    candidates = planning.pool_of(work)
    plan, ordered = planning.plan_and_schedule(work.recipe, candidates, feedback)
    spans = gather.leave_schedule(work, candidates, plan, ordered, work.recipe.shards.max_bytes)
    return Planned(plan, ordered.totals(), spans, groups_of(candidates, {phase.by for phase in plan.phases}))
