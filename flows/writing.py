"""The second half of a run: from a planned pool to a release that is published whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prefect.logging import get_run_logger

from curation import promises, storage
from curation.mixture import planning
from curation.mixture.schedule import Totals
from curation.mixture.spans import ShardSpan
from curation.releases import limits, samples, warnings
from curation.releases.cards import write_cards
from curation.releases.hits import write_hits
from curation.releases.home import Home
from curation.releases.lease import Lease
from curation.releases.manifest import add_drops, assemble, pool_key
from curation.releases.report import report
from curation.releases.work import Work
from curation.stages import pack
from flows import artifacts, events
from flows.pool import Survivors
from flows.progress import Progress
from flows.run import run_stage
from schemas.errors import RunError
from schemas.manifest import Amount, Manifest, SideFile
from schemas.plan import Plan
from schemas.recipe import Recipe
from schemas.work import Input, WrittenShard


@dataclass(frozen=True)
class Planned:
    """What there is to write: the plan, its totals and shards, and what the pool holds by the names it groups by."""

    plan: Plan
    scheduled: Totals
    spans: tuple[ShardSpan, ...]
    groups: dict[str, dict[str, Amount]]


@dataclass(frozen=True)
class Begun:
    """What a run knows when its pool is planned. key: of its content; before: the manifest of ``parent``, the release before;
    losses: the report that it followed; side_files: of the recipe."""

    recipe: Recipe
    home: Home
    work: Work
    left: Survivors
    inputs: list[Input]
    benchmarks: tuple[tuple[str, str], ...]
    key: str
    progress: Progress
    clock: dict[str, float]
    held: Lease
    parent: str | None = None
    before: dict[str, Any] | None = None
    losses: list[SideFile] = field(default_factory=list)
    side_files: list[SideFile] = field(default_factory=list)


def write_release(
    run: Begun, planned: Planned, beside: Callable[[Work, Manifest], None] | None = None
) -> tuple[str, str, Manifest]:
    """Write, check and publish a release: its name, folder and manifest. beside: what else to write, before it is published.

    Raises RunError where counts do not add up, and where the recipe's limits are broken: nothing is published then.
    """
    recipe, home, work, plan = run.recipe, run.home, run.work, planned.plan
    now = datetime.now(UTC)
    name = home.begin(run.key, now.strftime("%Y%m%dT%H%M%S"))
    folder = home.path(name)
    work.begin_release(storage.absolute(folder))
    run_stage("gather", work, run.progress, run.clock)
    trained = [span.number for span in planned.spans if span.trained]
    shards = _write_shards(run, trained)
    evaluated = _write_documents(run, [span.number for span in planned.spans if not span.trained])
    ledgers = run_stage("ledger", work, run.progress, run.clock)

    manifest = assemble(
        recipe,
        release=name,
        created=now.isoformat(timespec="seconds"),
        key=run.key,
        pool_key=pool_key(recipe, run.inputs, run.benchmarks, run.side_files, run.parent),
        parent=run.parent,
        work=work,
        dropped=add_drops(*(part.dropped for part in work.parts), *(one["decided"] for one in ledgers)),
        ledger=add_drops(*(one["written"] for one in ledgers)),
        edits=run.left.edits,
        groups=planned.groups,
        plan=plan,
        scheduled=planned.scheduled,
        shards=shards,
        evaluation=evaluated,
        contamination=run.left.contamination,
        duplicates=run.left.duplicates,
        timings=run.clock | planning.seconds_of(work.parts),
    )
    manifest.losses, manifest.side_files, manifest.substrings = run.losses, run.side_files, run.left.substrings
    decided = [one["decided"] for one in ledgers]
    manifest.warnings = warnings.warnings(work, decided, planning.group_names(recipe))
    manifest.warnings += warnings.of_phases(plan, manifest.phases)
    manifest.warnings += warnings.of_token_columns(recipe, [*shards, *evaluated])
    faults = limits.broken(recipe.limits, manifest, folder, warnings.by_source(work, decided))
    if faults:
        home.abandon(name, run.key)
        storage.delete_tree(work.folder)
        events.limits_broken(manifest, folder, faults)
        raise RunError("limits", f"{'; '.join(faults)}. Nothing was published, the latest release is as it was")
    if recipe.decontaminate is not None:
        write_hits(work)
    samples.write(work, run.left.just_kept)
    if beside is not None:
        beside(work, manifest)
    if manifest.swarm is None:  # a swarm holds every text once, in no phase of the recipe's
        manifest.promises = promises.kept(folder, manifest.model_dump(mode="json", by_alias=True), recipe.promise)
    page = report(manifest.model_dump(mode="json", by_alias=True), folder, run.before)
    storage.put(storage.join(folder, "report.html"), page.encode())
    write_cards(folder, manifest, plan)
    run.held.check()
    home.publish(manifest, list(work.keys))
    storage.delete_tree(work.folder)
    artifacts.publish(manifest, folder, run.before)
    events.published(manifest, folder)
    get_run_logger().info("release %s: %d shards", name, len(shards))
    return name, folder, manifest


def _write_documents(run: Begun, numbers: list[int]) -> list[WrittenShard]:
    """Shards of a row a document, at their final names."""
    if not numbers:
        return []
    return [WrittenShard(**counts) for counts in run_stage("write", run.work, run.progress, run.clock, numbers)]


def _write_shards(run: Begun, numbers: list[int]) -> list[WrittenShard]:
    """Every shard of training, at its final name. Where rows are packed, positions are known once all shards' rows are."""
    if run.recipe.shards.sequence_length is None:
        return _write_documents(run, numbers)
    packed = run_stage("pack", run.work, run.progress, run.clock, numbers)
    pack.leave_positions(run.work, [counts["rows"] for counts in packed])
    placed = run_stage("place", run.work, run.progress, run.clock, numbers)
    return [WrittenShard(**one, **other) for one, other in zip(packed, placed, strict=True)]
