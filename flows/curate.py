"""The flow ``curate``: the stages in order, from a recipe to a published release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
from curation.mixture.schedule import Totals
from curation.mixture.spans import ShardSpan
from curation.recipes.recipe_paths import check_allowed
from curation.recipes.side_files import side_files
from curation.releases import history, lease, limits, samples, warnings
from curation.releases.hits import write_hits
from curation.releases.home import Home
from curation.releases.lease import Lease
from curation.releases.manifest import add_drops, assemble, content_key, groups_of, pool_key
from curation.releases.report import report
from curation.releases.work import Work
from curation.stages import catalogue as catalogue_stage
from curation.stages import write
from flows import artifacts, pool
from flows.engines import task_runner, told_of_lost_workers
from flows.one_at_a_time import one_at_a_time
from flows.progress import Progress, on_the_run_page, timed
from flows.run import run_stage
from schemas.engine import Engine
from schemas.errors import RunError, SyllabusError
from schemas.manifest import Amount, Manifest, SideFile
from schemas.plan import Plan
from schemas.recipe import Recipe
from schemas.work import WrittenShard

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
def curate(recipe: Recipe, losses: str | None = None, overlap: Overlap = "wait") -> dict[str, Any] | State:
    """Run a recipe.

    Args:
        recipe: What to read, how to clean, mix and order it, and where to write.
        losses: A loss report of the last round (JSON lines or Parquet), for online mixtures.
        overlap: Where another run of this recipe is under way: wait for its end, or cancel this one.
    """
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
            plan, scheduled, spans, groups = _plan(work, planning.feedback_of(report_losses, before))
            give_back()
        except SyllabusError:
            storage.delete_tree(work.folder)  # once it is mended, the recipe's work has another name
            raise
    log.info("%d rows scheduled in %d phases", scheduled.rows, len(plan.phases))

    now = datetime.now(UTC)
    name = home.begin(key, now.strftime("%Y%m%dT%H%M%S"))
    folder = home.path(name)
    work.begin_release(storage.absolute(folder))
    run_stage("gather", work, progress, clock)
    trained = [span.number for span in spans if span.trained]
    shards = _write_shards(work, trained, progress, clock)
    beside = _write_documents(work, [span.number for span in spans if not span.trained], progress, clock)
    ledgers = run_stage("ledger", work, progress, clock)

    manifest = assemble(
        recipe,
        release=name,
        created=now.isoformat(timespec="seconds"),
        key=key,
        pool_key=pool_key(recipe, inputs, benchmarks, used, parent),
        parent=parent,
        work=work,
        dropped=add_drops(*(part.dropped for part in work.parts), *(one["decided"] for one in ledgers)),
        ledger=add_drops(*(one["written"] for one in ledgers)),
        edits=left.edits,
        groups=groups,
        plan=plan,
        scheduled=scheduled,
        shards=shards,
        evaluation=beside,
        contamination=left.contamination,
        duplicates=left.duplicates,
        timings=clock | planning.seconds_of(work.parts),
    )
    manifest.losses, manifest.side_files, manifest.substrings = reported, used, left.substrings
    decided = [one["decided"] for one in ledgers]
    manifest.warnings = warnings.warnings(work, decided, planning.group_names(recipe))
    manifest.warnings += warnings.of_phases(plan, manifest.phases)
    faults = limits.broken(recipe.limits, manifest, folder, warnings.by_source(work, decided))
    if faults:
        home.abandon(name, key)
        storage.delete_tree(work.folder)
        raise RunError("limits", f"{'; '.join(faults)}. Nothing was published, the latest release is as it was")
    if recipe.decontaminate is not None:
        write_hits(work)
    samples.write(work, left.just_kept)
    page = report(manifest.model_dump(mode="json", by_alias=True), folder, before)
    storage.put(storage.join(folder, "report.html"), page.encode())
    held.check()
    home.publish(manifest, list(work.keys))
    storage.delete_tree(work.folder)
    artifacts.publish(manifest, folder, before)
    log.info("release %s: %d shards", name, len(shards))
    return Outcome(name, folder, f"release {name}", manifest)


def _plan(work: Work, feedback: Feedback) -> tuple[Plan, Totals, tuple[ShardSpan, ...], dict[str, dict[str, Amount]]]:
    """Plan, schedule and shards, and what the pool holds; pool and schedule themselves go with this frame, before the shards
    are written."""
    candidates = planning.pool_of(work)
    plan, ordered = planning.plan_and_schedule(work.recipe, candidates, feedback)
    spans = write.leave_schedule(work, candidates, plan, ordered, work.recipe.shards.max_bytes)
    return plan, ordered.totals(), spans, groups_of(candidates, {phase.by for phase in plan.phases})


def _write_documents(work: Work, numbers: list[int], progress: Progress, clock: dict[str, float]) -> list[WrittenShard]:
    """Shards of a row a document, at their final names."""
    if not numbers:
        return []
    return [WrittenShard(**counts) for counts in run_stage("write", work, progress, clock, numbers)]


def _write_shards(work: Work, numbers: list[int], progress: Progress, clock: dict[str, float]) -> list[WrittenShard]:
    """Every shard of training, at its final name. Where rows are packed, positions are known once all shards' rows are."""
    if work.recipe.shards.sequence_length is None:
        return _write_documents(work, numbers, progress, clock)
    packed = run_stage("pack", work, progress, clock, numbers)
    write.leave_positions(work, [counts["rows"] for counts in packed])
    placed = run_stage("place", work, progress, clock, numbers)
    return [WrittenShard(**one, **other) for one, other in zip(packed, placed, strict=True)]
