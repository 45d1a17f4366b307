"""The flow `swarm`: small releases with drawn mixtures over one pool, whose texts stand once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from prefect import Flow, flow
from prefect.logging import get_run_logger

from curation import storage
from curation.arrays.give_back import give_back
from curation.decontamination.items import item_files
from curation.mixture import planning
from curation.mixture.swarm import Asked, Swarm, plan_swarm, plan_texts
from curation.recipes.recipe_file import digest
from curation.recipes.recipe_paths import check_allowed
from curation.recipes.side_files import side_files
from curation.releases import lease, warnings
from curation.releases.home import SWARMS, Home
from curation.releases.lease import Lease
from curation.releases.manifest import content_key, groups_of
from curation.releases.work import Work
from curation.stages import catalogue as catalogue_stage
from curation.stages import gather
from curation.stages import swarm as swarm_stage
from flows import pool
from flows.engines import task_runner, told_of_lost_workers
from flows.progress import Progress, on_the_run_page, timed
from flows.recipe_choice import GivenRecipe
from flows.run import run_stage
from flows.storage_credentials import StorageCredentials, in_the_environment
from flows.writing import Begun, Planned, write_release
from schemas.engine import Engine
from schemas.errors import RecipeError, SyllabusError
from schemas.manifest import Manifest, SwarmDraw
from schemas.mixers import Mixer
from schemas.recipe import Recipe


@dataclass(frozen=True)
class Outcome:
    """What a swarm came to. new: whether it was made now, or stood there from the same recipe, inputs and wishes."""

    folder: str
    release: str
    runs: int
    new: bool
    manifest: Manifest = field(repr=False)

    def as_plain(self) -> dict[str, Any]:
        table = storage.join(self.folder, "swarm.parquet")
        return {"release": self.release, "folder": self.folder, "runs": self.runs, "table": table, "new": self.new}


@flow(
    name="swarm",
    flow_run_name="swarm {recipe.name}",
    description="Small releases with drawn mixtures over one pool, for proxy models whose losses a fitted mixture follows.",
    task_runner=task_runner(Engine()),
    persist_result=False,
)
def swarm(
    recipe: GivenRecipe,
    runs: int,
    tokens: int,
    phase: str | None = None,
    draw: SwarmDraw | None = None,
    credentials: StorageCredentials | None = None,
) -> dict[str, Any]:
    """Make a swarm of a recipe.

    Args:
        recipe: What to read, how to clean it, and whose mixture varies.
        runs: How many mixtures to draw.
        tokens: Tokens of each run.
        phase: The phase whose mixture varies; left empty: the recipe's only one.
        draw: How mixtures are drawn; left empty: as Olmix does for its own mixture and groups by several names, else as RegMix.
        credentials: A block with the keys of object stores; left empty: those of the run's environment.
    """
    made: list[Outcome] = []
    with in_the_environment(credentials):
        with_engine(recipe, Asked(runs, tokens, phase, draw), keep=made.append, progress=on_the_run_page())()
    return made[0].as_plain()


def with_engine(recipe: Recipe, asked: Asked, *, keep: Callable[[Outcome], None], progress: Progress) -> Flow[..., Any]:
    """The flow with the recipe's task runner, which hands its outcome to ``keep``."""

    def body() -> None:
        with told_of_lost_workers():
            keep(make(recipe, asked, progress))

    return Flow(body, name="swarm", flow_run_name=f"swarm {recipe.name}", task_runner=task_runner(recipe.engine))


def make(recipe: Recipe, asked: Asked, progress: Progress) -> Outcome:
    """A swarm, inside a flow run: ``OUTPUT/<name>/swarms/<release>``. Raises RecipeError, InputError, RunError.

    History is not looked at: what an earlier release took counts like the rest. Partitions are those of the recipe's cache.
    """
    for name in ("runs", "tokens"):
        if getattr(asked, name) < 1:
            raise RecipeError(f"--{name}", f"must be at least 1, got {getattr(asked, name)}")
    check_allowed(recipe)
    recipe = recipe.model_copy(update={"dedup": recipe.dedup.model_copy(update={"history": False})})
    planning.check_names(recipe)
    home = Home(storage.join(recipe.output, recipe.name))
    with lease.hold(home.folder, told=progress.say) as held:
        if held is None:
            raise RuntimeError("a lease that is waited for was not had")
        return _make(recipe, asked, home, held, progress)


def _make(recipe: Recipe, asked: Asked, home: Home, held: Lease, progress: Progress) -> Outcome:
    clock: dict[str, float] = {}
    swarms = Home(home.path(SWARMS))
    swarms.mend_latest()
    swarms.sweep_finished(home)
    with timed(clock, "catalogue"):
        inputs = catalogue_stage.of_recipe(recipe, home)
        benchmarks = item_files(recipe.decontaminate) if recipe.decontaminate is not None else ()
        used = side_files(recipe, without=(Mixer,))  # what a mixture is fitted to is still to come
        wishes = [str(one) for one in (asked.runs, asked.tokens, asked.phase, asked.draw)]
        key = content_key(recipe, inputs, [*(one.sha256 for one in used), "swarm", *wishes])
    latest = swarms.latest()
    before = swarms.manifest(latest) if latest is not None else None
    if latest is not None and before is not None and before.get("content_key") == key:
        return Outcome(swarms.path(latest), latest, asked.runs, False, Manifest.model_validate(before))
    work = pool.begin(recipe, inputs, home, f"swarm-{key[:16]}", benchmarks)
    left = pool.survivors(work, progress, clock)
    if left is None:
        raise warnings.nothing_left(work)
    with timed(clock, "plan"), progress.stage("plan the runs", 1):
        try:
            drawn, planned = _plan(work, asked)
            give_back()
        except SyllabusError:
            storage.delete_tree(work.folder)
            raise

    def write_runs(work: Work, manifest: Manifest) -> None:
        swarm_stage.leave_told(work, digest(recipe), manifest.created, manifest.token_unit)
        written = run_stage("references", work, progress, clock, range(asked.runs))
        manifest.swarm = swarm_stage.write_table(work, drawn, asked, written)

    begun = Begun(recipe, swarms, work, left, inputs, benchmarks, key, progress, clock, held, side_files=used)
    name, folder, manifest = write_release(begun, planned, write_runs)
    get_run_logger().info("%d runs over %d texts", asked.runs, planned.scheduled.documents)
    return Outcome(folder, name, asked.runs, True, manifest)


def _plan(work: Work, asked: Asked) -> tuple[Swarm, Planned]:
    """The runs' plans and what they read, left in the work folder; the pool goes with this frame."""
    candidates = planning.pool_of(work)
    drawn = plan_swarm(work.recipe, candidates, asked)
    used = swarm_stage.leave_draws(work, candidates, drawn)
    plan, texts = plan_texts(work.recipe, candidates, drawn, used)
    swarm_stage.leave_swarm(work, candidates, drawn, texts)
    spans = gather.leave_schedule(work, candidates, plan, texts, work.recipe.shards.max_bytes)
    groups = groups_of(candidates, {phase.by for phase in plan.phases})
    return drawn, Planned(plan, texts.totals(), spans, groups)
