"""The first half of a run: from input files to the documents that stay, and why each of the others does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger

from curation import storage
from curation.release import PREPARED, Home
from curation.stages import catalogue as catalogue_stage
from curation.stages import classifier as classifier_stage
from curation.stages import decontaminate as decontaminate_stage
from curation.stages import deduplicate as deduplicate_stage
from curation.stages import domain_caps, planning, publish
from curation.stages import history as history_stage
from curation.stages import paragraphs as paragraphs_stage
from curation.stages import semantic as semantic_stage
from curation.stages.prepare import Prepared, partition_key, settings, warm_up
from flows import tasks
from flows.progress import Progress, timed
from flows.tasks import collect
from schemas.decontamination import Decontaminate
from schemas.dedup import Paragraphs
from schemas.errors import RunError
from schemas.recipe import Recipe

Rows = npt.NDArray[np.int64]


@dataclass
class Survivors:
    """Every partition, in document order, with the index of its input; what global stages dropped of them (DECISIONS
    with ``partition``); edits as (stage, rule, documents, places); benchmark items found;
    pairs of documents that were nearly alike enough."""

    inputs: list[catalogue_stage.Input]
    prepared: list[tuple[int, Prepared]]
    decided: pa.Table
    edits: list[tuple[str, str, int, int]] = field(default_factory=list)
    hits: pa.Table = field(default_factory=decontaminate_stage.HITS.empty_table)
    contamination: list[dict[str, Any]] = field(default_factory=list)
    just_kept: list[tuple[int, int, float]] = field(default_factory=list)

    @property
    def parts(self) -> list[Prepared]:
        return [part for _, part in self.prepared]

    @property
    def gone(self) -> list[Rows]:
        """The rows of each partition that global stages dropped."""
        return deduplicate_stage.rows_by_partition(self.decided, len(self.prepared))

    @property
    def of_source(self) -> list[str]:
        return [self.inputs[index].source for index, _ in self.prepared]

    def drop(self, *decided: pa.Table) -> None:
        self.decided = pa.concat_tables([self.decided, *decided])

    @property
    def none_left(self) -> bool:
        return len(self.decided) == sum(part.kept for part in self.parts)


def survivors(
    recipe: Recipe,
    inputs: list[catalogue_stage.Input],
    benchmarks: tuple[tuple[str, str], ...],
    home: Home,
    scratch: str,
    progress: Progress,
    clock: dict[str, float],
) -> Survivors:
    """Prepare every partition, then the stages that see them all.

    benchmarks: (path, sha256) of the files to decontaminate against. scratch: a folder for texts that a stage rewrites.
    Raises RecipeError, InputError, RunError.
    """
    log = get_run_logger()
    prepared = prepare_all(recipe, inputs, home, progress, clock)
    if not recipe.dedup.history:
        _refuse_unusable(recipe, inputs, prepared)
    read = sum(part.documents for _, part in prepared)
    log.info("%d documents read, %d left after cleaning", read, sum(part.kept for _, part in prepared))
    with timed(clock, "deduplicate"), progress.stage("deduplicate", 1):
        made = _deduplicate(recipe, inputs, prepared)
    if recipe.dedup.paragraphs is not None:
        with timed(clock, "paragraphs"):
            _cut_paragraphs(recipe.dedup.paragraphs, made, scratch, progress)
    if recipe.dedup.history:
        with timed(clock, "history"), progress.stage("compare with history", 1):
            made.drop(history_stage.drop_known(made.parts, made.gone, home, recipe.dedup))
    log.info("%d documents dropped by global stages", len(made.decided))
    if recipe.decontaminate is not None:
        with timed(clock, "decontaminate"):
            _decontaminate(recipe.decontaminate, benchmarks, made, scratch, progress)
    return made


def prepare_all(
    recipe: Recipe, inputs: list[catalogue_stage.Input], home: Home, progress: Progress, clock: dict[str, float]
) -> list[tuple[int, Prepared]]:
    """Every partition prepared, in document order, each with the index of its input."""
    work: list[tuple[int, PrefectFuture[Prepared]]] = []
    with timed(clock, "prepare"):
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
                folder = home.cache(PREPARED, key)
                label = f"{file.source}/{index}.{partition.ordinal}"
                work.append(
                    (
                        index,
                        tasks.prepare_partition.submit(file, partition, recipe, file.source_index, folder, key, label),
                    )
                )
            return collect(work, advance)


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


def _deduplicate(
    recipe: Recipe, inputs: list[catalogue_stage.Input], prepared: list[tuple[int, Prepared]]
) -> Survivors:
    """What the classifier's share over all partitions and the duplicates leave."""
    parts = [part for _, part in prepared]
    classifier = recipe.clean.classifier
    low = None
    if classifier is not None and classifier.keep_share is not None:
        low = classifier_stage.drop_low(parts, classifier.keep_share)
    elif classifier is not None and classifier.pareto is not None:
        low = classifier_stage.drop_by_chance(parts, classifier.pareto, seed=recipe.seed)
    of_source = [inputs[index].source for index, _ in prepared]
    found = deduplicate_stage.deduplicate(parts, recipe.dedup, low, of_source)
    tables = [found.decided] if low is None else [low, found.decided]
    if recipe.dedup.semantic is not None:
        gone = deduplicate_stage.rows_by_partition(pa.concat_tables(tables), len(parts))
        tables.append(semantic_stage.drop_alike(parts, gone, recipe.dedup.semantic, seed=recipe.seed))
    if recipe.dedup.max_per_domain is not None:
        gone = deduplicate_stage.rows_by_partition(pa.concat_tables(tables), len(parts))
        tables.append(domain_caps.drop_over(parts, gone, recipe.dedup.max_per_domain, recipe.dedup, of_source))
    return Survivors(inputs, prepared, pa.concat_tables(tables), just_kept=found.just_kept)


def _cut_paragraphs(params: Paragraphs, made: Survivors, scratch: str, progress: Progress) -> None:
    """Take out of the partitions what repeats across them; what that empties is dropped."""
    prepared, gone = made.prepared, made.gone
    with progress.stage("find paragraphs", len(prepared)) as advance:
        work = [
            (
                number,
                tasks.find_paragraphs.submit(
                    part,
                    number,
                    left(part, gone[number]),
                    params,
                    storage.join(scratch, f"units-{number:05d}.parquet"),
                ),
            )
            for number, (_, part) in enumerate(prepared)
        ]
        paths = [path for _, path in collect(work, advance)]
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
        cut = collect(futures, advance)
    counts = np.array([count for _, (_, _, count) in cut])
    made.edits.append((paragraphs_stage.STAGE, params.unit, int(counts[:, 0].sum()), int(counts[:, 1].sum())))
    made.prepared = [(index, part) for index, (part, _, _) in cut]
    made.drop(*(table for _, (_, table, _) in cut))


def _decontaminate(
    params: Decontaminate, benchmarks: tuple[tuple[str, str], ...], made: Survivors, scratch: str, progress: Progress
) -> None:
    """Find what holds benchmark items in every partition; it is dropped, rewritten or noted."""
    prepared, gone = made.prepared, made.gone
    kept = [left(part, gone[number]) for number, (_, part) in enumerate(prepared)]
    ignored = np.zeros(0, dtype=np.uint64)
    if params.method == "gpt3":
        with progress.stage("count collisions", len(prepared)) as advance:
            counting = [
                (number, tasks.find_collisions.submit(part, number, kept[number], params, benchmarks))
                for number, (_, part) in enumerate(prepared)
            ]
            found = [one for _, one in collect(counting, advance)]
        ignored = decontaminate_stage.frequent(found, params)
    with progress.stage("decontaminate", len(prepared)) as advance:
        work = [
            (
                number,
                tasks.decontaminate_partition.submit(
                    part,
                    number,
                    kept[number],
                    params,
                    benchmarks,
                    ignored,
                    storage.join(scratch, f"decontaminated-{number:05d}.parquet"),
                ),
            )
            for number, (_, part) in enumerate(prepared)
        ]
        cleaned = [one for _, one in collect(work, advance)]
    made.prepared = [(index, one.prepared) for (index, _), one in zip(prepared, cleaned, strict=True)]
    made.drop(*(one.decided for one in cleaned))
    counts = np.array([one.edits for one in cleaned])
    made.edits.append(("decontaminate", params.method, int(counts[:, 0].sum()), int(counts[:, 1].sum())))
    made.hits = pa.concat_tables([one.hits for one in cleaned])
    made.contamination = decontaminate_stage.contamination(made.hits, made.of_source, benchmarks, params)


def left(part: Prepared, gone: Rows) -> Rows:
    """The rows of a partition that are not gone."""
    return np.setdiff1d(np.arange(part.kept), gone, assume_unique=True)
