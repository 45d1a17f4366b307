"""The flow ``curate``: the stages in order, from a recipe to a published release."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from prefect import Flow, flow
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger

from curation import limits, storage
from curation.losses import read_losses
from curation.release import Home
from curation.report import report
from curation.stages import catalogue as catalogue_stage
from curation.stages import classifier as classifier_stage
from curation.stages import decontaminate as decontaminate_stage
from curation.stages import deduplicate as deduplicate_stage
from curation.stages import history as history_stage
from curation.stages import ledger as ledger_stage
from curation.stages import paragraphs as paragraphs_stage
from curation.stages import planning, publish
from curation.stages import pool as pool_stage
from curation.stages import write as write_stage
from curation.stages.prepare import Prepared, partition_key, settings, warm_up
from curation.stages.schedule import Schedule
from flows import artifacts, tasks
from flows.engines import task_runner
from flows.progress import Progress, silent
from schemas.decontamination import Decontaminate
from schemas.dedup import Paragraphs
from schemas.engine import Engine
from schemas.errors import RunError
from schemas.manifest import Manifest
from schemas.plan import Plan
from schemas.recipe import Recipe

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Outcome:
    """What a run came to: a new release, or why there is none."""

    release: str | None
    folder: str | None
    message: str
    manifest: Manifest | None = field(default=None, repr=False)


@flow(
    name="curate",
    flow_run_name="{recipe.name}",
    description="Raw text in, a verified, ordered release out: read, clean, deduplicate, tag, mix, order, write.",
    task_runner=task_runner(Engine()),  # Prefect's default runs every partition at once
)
def curate(recipe: Recipe, losses: str | None = None) -> dict[str, Any]:
    """Run a recipe.

    Args:
        recipe: What to read, how to clean, mix and order it, and where to write.
        losses: A loss report of the last round (JSON lines or Parquet), for online mixtures.
    """
    if (recipe.engine.kind, recipe.engine.workers) == (Engine().kind, Engine().workers):
        outcome = run(recipe, losses, silent())
    else:
        made: list[Outcome] = []
        with_engine(recipe, keep=made.append, progress=silent())(recipe, losses)
        outcome = made[0]
    return {"release": outcome.release, "folder": outcome.folder, "message": outcome.message}


def with_engine(recipe: Recipe, *, keep: Callable[[Outcome], None], progress: Progress) -> Flow[..., Any]:
    """The flow `curate` with the recipe's task runner, which shows its progress and hands its outcome to ``keep``."""

    def body(recipe: Recipe, losses: str | None = None) -> None:
        keep(run(recipe, losses, progress))

    return Flow(
        body,
        name="curate",
        flow_run_name=recipe.name,
        task_runner=task_runner(recipe.engine),
        validate_parameters=False,
    )


def run(recipe: Recipe, losses: str | None, progress: Progress) -> Outcome:
    """The stages in order, inside a flow run. Raises RecipeError, InputError, RunError."""
    planning.check_names(recipe)
    log = get_run_logger()
    clock: dict[str, float] = {}
    home = Home(storage.join(recipe.output, recipe.name))
    mended = home.mend_latest()
    if mended:
        log.warning("latest.json now names %s, the newest complete release", mended)
        return Outcome(
            mended,
            home.path(mended),
            f"{mended} was complete but not yet the latest: it is now. Nothing else was done.",
        )

    with _timed(clock, "catalogue"):
        known = catalogue_stage.load_known(home.cache("fingerprints.json"))
        partition_bytes = recipe.engine.partition_bytes
        inputs = catalogue_stage.catalogue(recipe.sources, partition_bytes=partition_bytes, known=known)
        catalogue_stage.save_known(home.cache("fingerprints.json"), inputs, partition_bytes)
        if recipe.dedup.history:
            inputs = history_stage.new_inputs(inputs, home)
            if not [file for file in inputs if not file.fault]:
                return Outcome(None, None, f"nothing new: earlier releases of {recipe.name} took every input file")
        benchmarks = decontaminate_stage.item_files(recipe.decontaminate) if recipe.decontaminate is not None else ()
        report_losses = read_losses(losses) if losses is not None else None
        parent = home.latest()
        besides = [storage.sha256(losses) if losses is not None else "", *(digest for _, digest in benchmarks)]
        besides += [storage.sha256(path) for path in planning.side_files(recipe)]
        if recipe.dedup.history:
            besides.append(parent or "")
        key = publish.content_key(recipe, inputs, besides)
        if parent is not None and home.manifest(parent).get("content_key") == key:
            return Outcome(
                None, home.path(parent), f"nothing new since {parent}: the recipe and its inputs are the same"
            )
    log.info("%d input files, %d bytes", len(inputs), sum(file.bytes for file in inputs))

    prepared = prepare_all(recipe, inputs, home, progress, clock)
    if not recipe.dedup.history:
        _refuse_unusable(recipe, inputs, prepared)
    read = sum(part.documents for _, part in prepared)
    log.info("%d documents read, %d left after cleaning", read, sum(part.kept for _, part in prepared))

    with _timed(clock, "deduplicate"), progress.stage("deduplicate", 1):
        parts = [part for _, part in prepared]
        classifier = recipe.clean.classifier
        low = None
        if classifier is not None and classifier.keep_share is not None:
            low = classifier_stage.drop_low(parts, classifier.keep_share)
        elif classifier is not None and classifier.pareto is not None:
            low = classifier_stage.drop_by_chance(parts, classifier.pareto, seed=recipe.seed)
        of_source = [inputs[index].source for index, _ in prepared]
        decided = deduplicate_stage.deduplicate(parts, recipe.dedup, low, of_source)
        if low is not None:
            decided = pa.concat_tables([low, decided])
    gone = deduplicate_stage.rows_by_partition(decided, len(prepared))
    edits: list[tuple[str, str, int, int]] = []
    hits, contamination = decontaminate_stage.HITS.empty_table(), list[dict[str, Any]]()
    scratch = home.cache("work", f"{key[:16]}-texts")
    if recipe.dedup.paragraphs is not None:
        with _timed(clock, "paragraphs"):
            prepared, repeated = _cut_paragraphs(recipe.dedup.paragraphs, prepared, gone, scratch, edits, progress)
            decided = pa.concat_tables([decided, repeated])
            gone = deduplicate_stage.rows_by_partition(decided, len(prepared))
    if recipe.dedup.history:
        with _timed(clock, "history"), progress.stage("compare with history", 1):
            known = history_stage.drop_known([part for _, part in prepared], gone, home, recipe.dedup)
            decided = pa.concat_tables([decided, known])
            gone = deduplicate_stage.rows_by_partition(decided, len(prepared))
    log.info("%d documents dropped by global stages", len(decided))
    if recipe.decontaminate is not None:
        with _timed(clock, "decontaminate"):
            cleaned = _decontaminate(recipe.decontaminate, benchmarks, prepared, gone, scratch, progress)
            prepared = [(index, one.prepared) for (index, _), one in zip(prepared, cleaned, strict=True)]
            decided = pa.concat_tables([decided, *(one.decided for one in cleaned)])
            counts = np.array([one.edits for one in cleaned])
            edits.append(
                ("decontaminate", recipe.decontaminate.method, int(counts[:, 0].sum()), int(counts[:, 1].sum()))
            )
            hits = pa.concat_tables([one.hits for one in cleaned])
            contamination = decontaminate_stage.contamination(hits, of_source, benchmarks, recipe.decontaminate)
    if len(decided) == sum(part.kept for _, part in prepared):
        if recipe.dedup.history:
            return Outcome(None, None, "nothing new was kept: earlier releases hold it all; no release was made")
        raise RunError("decontaminate", "every document was dropped; loosen the recipe")

    now = datetime.now(UTC)
    name = home.begin(key, now.strftime("%Y%m%dT%H%M%S"))
    folder = home.path(name)
    work = home.cache("work", key[:16])

    with _timed(clock, "tag"):
        pool = _pool(recipe, inputs, prepared, decided, folder, work, progress)
    with _timed(clock, "plan"), progress.stage("plan and schedule", 1):
        before = home.manifest(parent) if parent is not None else None
        plan, ordered = planning.plan_and_schedule(recipe, pool, planning.feedback_of(report_losses, before))
    log.info("%d rows scheduled in %d phases", len(ordered.document), len(plan.phases))

    with _timed(clock, "write"):
        shards = _write(recipe, inputs, prepared, pool, plan, ordered, work, folder, key, home, progress)
    with _timed(clock, "ledger"):
        written, dropped = _ledger(recipe, inputs, prepared, decided, pool, ordered, folder, progress)

    manifest = publish.assemble(
        recipe,
        release=name,
        created=now.isoformat(timespec="seconds"),
        key=key,
        parent=parent,
        inputs=inputs,
        prepared=prepared,
        dropped=dropped,
        ledger=written,
        edits=edits,
        pool=pool,
        plan=plan,
        schedule=ordered,
        shards=shards,
        contamination=contamination,
        timings=clock | planning.seconds_of([part for _, part in prepared]),
    )
    faults = limits.broken(recipe.limits, manifest, folder)
    if faults:
        raise RunError("limits", f"{'; '.join(faults)}. Nothing was published, the latest release is as it was")
    if recipe.decontaminate is not None:
        decontaminate_stage.write_hits(hits, [part for _, part in prepared], of_source, folder)
    page = report(manifest.model_dump(mode="json", by_alias=True), folder)
    storage.put(storage.join(folder, "report.html"), page.encode())
    home.publish(manifest)
    storage.delete_tree(work)
    storage.delete_tree(scratch)
    artifacts.publish(manifest, folder)
    log.info("release %s: %d shards", name, len(shards))
    return Outcome(name, folder, f"release {name}", manifest)


def prepare_all(
    recipe: Recipe, inputs: list[catalogue_stage.Input], home: Home, progress: Progress, clock: dict[str, float]
) -> list[tuple[int, Prepared]]:
    """Every partition prepared, in document order, each with the index of its input."""
    work: list[tuple[int, PrefectFuture[Prepared]]] = []
    with _timed(clock, "prepare"):
        warm_up(recipe)
        by_source = [settings(recipe, source) for source in recipe.sources]
        partitions = [
            (index, file, partition)
            for index, file in enumerate(inputs)
            if file.same_as is None and not file.fault
            for partition in catalogue_stage.cut(file)
        ]
        with progress.stage("read and clean", len(partitions)) as advance:
            for index, file, partition in partitions:
                key = partition_key(by_source[file.source_index], file, partition)
                folder = home.cache("prepared", key)
                label = f"{file.source}/{index}.{partition.ordinal}"
                work.append(
                    (
                        index,
                        tasks.prepare_partition.submit(file, partition, recipe, file.source_index, folder, key, label),
                    )
                )
            return _collect(work, advance)


def _collect(work: list[tuple[int, PrefectFuture[Any]]], advance: Any) -> list[tuple[int, Any]]:
    """Results in the order of submission; all tasks end before the first failure is raised."""
    for _, future in work:
        future.wait()
        advance()
    return [(index, future.result()) for index, future in work]


def _refuse_unusable(recipe: Recipe, inputs: list[catalogue_stage.Input], prepared: list[tuple[int, Prepared]]) -> None:
    """No silent success: a source without a readable file, a column that no file has, nothing read, nothing kept."""
    planning.check_columns(recipe, inputs, prepared)
    if not sum(part.documents for _, part in prepared):
        raise RunError(
            "read", "no document was read: every input file is empty or was set aside (see the sources' paths)"
        )
    if not sum(part.kept for _, part in prepared):
        counts = publish.add_drops(*(part.dropped for _, part in prepared))
        most = ", ".join(f"{stage}: {sum(rules.values())}" for stage, rules in counts.items() if rules)
        raise RunError(
            next(reversed([s for s, r in counts.items() if r])),
            f"every document was dropped ({most}); loosen the recipe",
        )


def _cut_paragraphs(
    params: Paragraphs,
    prepared: list[tuple[int, Prepared]],
    gone: list[Rows],
    scratch: str,
    edits: list[tuple[str, str, int, int]],
    progress: Progress,
) -> tuple[list[tuple[int, Prepared]], pa.Table]:
    """The partitions without what repeats across them, and what that drops; ``edits`` gets the counts."""
    with progress.stage("find paragraphs", len(prepared)) as advance:
        work = [
            (
                number,
                tasks.find_paragraphs.submit(
                    part,
                    number,
                    _left(part, gone[number]),
                    params,
                    storage.join(scratch, f"units-{number:05d}.parquet"),
                ),
            )
            for number, (_, part) in enumerate(prepared)
        ]
        paths = [path for _, path in _collect(work, advance)]
    cuts = paragraphs_stage.repeated(paths, params)
    with progress.stage("cut paragraphs", len(prepared)) as advance:
        futures = [
            (
                index,
                tasks.cut_paragraphs.submit(
                    part, number, cuts[number], params, storage.join(scratch, f"documents-{number:05d}.parquet")
                ),
            )
            for number, (index, part) in enumerate(prepared)
        ]
        made = _collect(futures, advance)
    counts = np.array([count for _, (_, _, count) in made])
    edits.append((paragraphs_stage.STAGE, params.unit, int(counts[:, 0].sum()), int(counts[:, 1].sum())))
    return [(index, part) for index, (part, _, _) in made], pa.concat_tables([table for _, (_, table, _) in made])


def _decontaminate(
    params: Decontaminate,
    benchmarks: tuple[tuple[str, str], ...],
    prepared: list[tuple[int, Prepared]],
    gone: list[Rows],
    scratch: str,
    progress: Progress,
) -> list[decontaminate_stage.Cleaned]:
    """Every partition with what holds benchmark items found, dropped or rewritten."""
    left = [_left(part, gone[number]) for number, (_, part) in enumerate(prepared)]
    ignored = np.zeros(0, dtype=np.uint64)
    if params.method == "gpt3":
        with progress.stage("count collisions", len(prepared)) as advance:
            counting = [
                (number, tasks.find_collisions.submit(part, number, left[number], params, benchmarks))
                for number, (_, part) in enumerate(prepared)
            ]
            found = [one for _, one in _collect(counting, advance)]
        ignored = decontaminate_stage.frequent(found, params)
    with progress.stage("decontaminate", len(prepared)) as advance:
        work = [
            (
                number,
                tasks.decontaminate_partition.submit(
                    part,
                    number,
                    left[number],
                    params,
                    benchmarks,
                    ignored,
                    storage.join(scratch, f"decontaminated-{number:05d}.parquet"),
                ),
            )
            for number, (_, part) in enumerate(prepared)
        ]
        return [one for _, one in _collect(work, advance)]


def _left(part: Prepared, gone: Rows) -> Rows:
    """The rows of a partition that are not gone."""
    return np.setdiff1d(np.arange(part.kept), gone, assume_unique=True)


def _pool(
    recipe: Recipe,
    inputs: list[catalogue_stage.Input],
    prepared: list[tuple[int, Prepared]],
    decided: pa.Table,
    folder: str,
    work: str,
    progress: Progress,
) -> pool_stage.Pool:
    gone = deduplicate_stage.rows_by_partition(decided, len(prepared))
    states = _fitted(recipe, inputs, prepared, gone, progress)
    with progress.stage("tag", len(prepared)) as advance:
        futures = []
        for number, (index, part) in enumerate(prepared):
            kept = _left(part, gone[number])
            futures.append(
                (
                    number,
                    tasks.tag_partition.submit(
                        part,
                        recipe,
                        inputs[index].source_index,
                        number,
                        kept,
                        storage.join(folder, "pool", f"{number:05d}.parquet"),
                        storage.join(work, f"tags-{number:05d}.parquet"),
                        states,
                    ),
                )
            )
        parts = [path for _, path in _collect(futures, advance) if path]
    tables = [planning.read_table(path) for path in parts]
    exact = recipe.shards.tokenizer is not None
    return pool_stage.gather(tables, planning.names_needed(recipe), exact_tokens=exact)


def _fitted(
    recipe: Recipe,
    inputs: list[catalogue_stage.Input],
    prepared: list[tuple[int, Prepared]],
    gone: list[Rows],
    progress: Progress,
) -> dict[str, pa.Table]:
    """The states of the tags that need the whole pool first, one after another: a tag may use those before it."""
    states: dict[str, pa.Table] = {}
    for name, steps in pool_stage.pool_wide_tags(recipe.tags).items():
        with progress.stage(f"fit {name}", len(prepared)) as advance:
            work = []
            for number, (index, part) in enumerate(prepared):
                source, left = inputs[index].source_index, _left(part, gone[number])
                made = tasks.partial_of_partition.submit(part, recipe, source, number, left, name, dict(states))
                work.append((number, made))
            partials = [table for _, table in _collect(work, advance) if table is not None]
        merged = steps.merge(partials, recipe.tags[name])
        states[name] = steps.fit(merged, recipe.tags[name], seed=recipe.seed, place=f"tags.{name}")
    return states


def _write(
    recipe: Recipe,
    inputs: list[catalogue_stage.Input],
    prepared: list[tuple[int, Prepared]],
    pool: pool_stage.Pool,
    plan: Plan,
    ordered: Schedule,
    work: str,
    folder: str,
    key: str,
    home: Home,
    progress: Progress,
) -> list[write_stage.WrittenShard]:
    spans = write_stage.shards_of(ordered, pool, plan, max_bytes=recipe.shards.max_bytes)
    shard_of = np.repeat(np.arange(len(spans), dtype=np.int32), [span.last - span.first for span in spans])
    partition = pool.partition[ordered.document]
    index = pool.index[ordered.document]
    with progress.stage("gather", len(prepared)) as advance:
        futures = []
        for number, (file, part) in enumerate(prepared):
            positions = np.flatnonzero(partition == number)
            if len(positions):
                futures.append(
                    (
                        number,
                        tasks.scatter_partition.submit(
                            part.documents_path,
                            storage.join(work, f"tags-{number:05d}.parquet"),
                            inputs[file].source,
                            number,
                            index[positions].astype(np.int64),
                            positions,
                            shard_of[positions],
                            recipe.tag_names(),
                            storage.join(work, f"run-{number:05d}.arrow"),
                        ),
                    )
                )
        runs = [path for _, path in _collect(futures, advance)]
    if recipe.shards.sequence_length is not None:
        return _write_packed(recipe, spans, runs, plan, work, folder, progress)
    with progress.stage("write shards", len(spans)) as advance:
        written = [
            (
                span.number,
                tasks.write_shard.submit(
                    span.number,
                    span,
                    runs,
                    plan.phases[span.phase].name,
                    plan.phases[span.phase].by,
                    ordered.epoch[span.first : span.last],
                    plan.phases[span.phase].conditioning,
                    recipe.tag_names(),
                    recipe.shards,
                    recipe.seed,
                    folder,
                    home.cache("work", key[:16], f"shard-{span.number:05d}.json"),
                ),
            )
            for span in spans
        ]
        return [shard for _, shard in _collect(written, advance)]


def _write_packed(
    recipe: Recipe,
    spans: list[write_stage.ShardSpan],
    runs: list[str],
    plan: Plan,
    work: str,
    folder: str,
    progress: Progress,
) -> list[write_stage.WrittenShard]:
    """Shards of packed sequences: how many rows each has is known once all are packed, and so are positions."""
    paths = [storage.join(work, f"packed-{span.number:05d}.arrow") for span in spans]
    with progress.stage("pack shards", len(spans)) as advance:
        packing = []
        for span, path in zip(spans, paths, strict=True):
            phase = plan.phases[span.phase]
            made = tasks.pack_shard.submit(
                span.number, span, runs, phase.name, phase.by, phase.conditioning, recipe.shards, recipe.seed, path
            )
            packing.append((span.number, made))
        packed = [shard for _, shard in _collect(packing, advance)]
    first = np.cumsum([0, *(shard.rows for shard in packed)]).tolist()
    with progress.stage("write shards", len(spans)) as advance:
        placing = [
            (number, tasks.place_packed.submit(number, shard, paths[number], first[number], recipe.shards, folder))
            for number, shard in enumerate(packed)
        ]
        return [shard for _, shard in _collect(placing, advance)]


def _ledger(
    recipe: Recipe,
    inputs: list[catalogue_stage.Input],
    prepared: list[tuple[int, Prepared]],
    decided: pa.Table,
    pool: pool_stage.Pool,
    ordered: Schedule,
    folder: str,
    progress: Progress,
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
    """Writes the ledgers; counts as written, and as the stages say."""
    left = planning.not_scheduled(pool, ordered)
    taken = np.unique(ordered.document)
    scheduled = [np.sort(pool.index[taken[pool.partition[taken] == n]]).astype(np.int64) for n in range(len(prepared))]
    decisions = [
        pa.concat_tables([deduplicate_stage.decisions_of(decided, number), planning.as_decisions(left, pool, number)])
        for number in range(len(prepared))
    ]
    with progress.stage("ledger", len(prepared)) as advance:
        futures = [
            (
                number,
                tasks.write_ledger.submit(
                    part,
                    inputs[index].path,
                    inputs[index].source,
                    number,
                    decisions[number].cast(ledger_stage.DECISIONS),
                    scheduled[number],
                    recipe.dedup,
                    folder,
                ),
            )
            for number, (index, part) in enumerate(prepared)
        ]
        counts = [count for _, count in _collect(futures, advance)]
    said = publish.add_drops(
        *(part.dropped for _, part in prepared), *(planning.counts_of(table) for table in decisions)
    )
    written = publish.add_drops(*counts)
    return ({s: dict(sorted(r.items())) for s, r in written.items() if r}, said)


class _timed:
    """Notes the block's seconds under a name."""

    def __init__(self, clock: dict[str, float], name: str):
        self.clock, self.name = clock, name

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.clock[self.name] = self.clock.get(self.name, 0.0) + time.perf_counter() - self.started
