"""The ledger of one partition: why each document is not in the shards, and where every document came from.

Rows of *prepare* stand in the partition already; rows of the global stages get path, row, url and excerpt from the
prepared documents here, when they are written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation import storage
from curation.arrays.arrow_text import excerpts
from curation.arrays.row_groups import RowGroups
from curation.releases import copies, history, known_texts
from curation.releases.work import Done, Work
from schemas.tables import CLUSTERS, LEDGER, PLACES, STATISTICS, SUBSTRINGS
from schemas.work import Prepared

Int = npt.NDArray[np.int64]
OF_CLUSTERS = ("exact", "minhash", "history")
ROW_GROUP = 1 << 16
"""Rows of the ledger's tables that are held at once."""


def run(work: Work, number: int) -> Done:
    """The ledger of one partition, and what later plans and runs need to know of it; counts by stage and rule.

    Without a schedule (an evaluation) nothing is remembered for later runs.
    """
    release, part = work.release, work.part(number)
    scheduled = work.path("scheduled", number, "arrow")
    if storage.exists(scheduled):
        rows = np.unique(storage.read_arrow(scheduled)["index"].to_numpy())
        target = storage.join(release, "history", f"{number:05d}.parquet")
        history.write(part, rows, params=work.recipe.dedup, target=target)
        if work.recipe.dedup.substrings is not None and work.recipe.dedup.history:
            _keep_texts(work, number, rows, release)
    if storage.exists(work.path("pool", number)):
        storage.copy(work.path("pool", number), storage.join(release, "pool", f"{number:05d}.parquet"))
    if number == 0 and storage.exists(work.path("earlier-copies", 0)):
        storage.copy(work.path("earlier-copies", 0), storage.join(release, copies.FOLDER, "00000.parquet"))
    decisions = work.decided(number)
    said = counts_of(decisions)
    paths = work.paths_of(number)
    if work.recipe.dedup.write_clusters:
        _write_clusters(work, number, part, decisions, release)
    if storage.exists(work.path("substrings", number)):
        _write_substrings(work, number, part, release)
    written = write_ledger(
        part, paths=paths, source=work.of_source[number], number=number, decisions=decisions, release=release
    )
    return Done({"written": written, "decided": said})


def _keep_texts(work: Work, number: int, rows: Int, release: str) -> None:
    """What later runs find substrings of: the scheduled rows' texts as they were, and their anchors."""
    assert work.recipe.dedup.substrings is not None
    anchors = storage.read_arrow(work.path("anchors", number, "arrow"))
    before = work.part(number, before="substrings")
    known_texts.write(before, rows, anchors, work.recipe.dedup.substrings.min_bytes, release, number)


def _write_substrings(work: Work, number: int, part: Prepared, release: str) -> None:
    """``substrings/<number>.parquet``: the spans that stood before, with the places of their documents."""
    with storage.open_read(work.path("substrings", number)) as stream:
        spans = pq.read_table(stream)
    of = spans["row"].to_numpy()
    if not len(of):
        return
    with storage.parquet_writer(storage.join(release, "substrings", f"{number:05d}.parquet"), SUBSTRINGS) as writer:
        for rows, table in storage.chosen_rows(part.documents_path, np.unique(of), ["slice", "row", "id"]):
            first, last = np.searchsorted(of, [rows[0], rows[-1] + 1])
            mine = spans.slice(first, last - first)
            placed = _located(table, work.paths_of(number), work.of_source[number])
            placed = placed.take(pa.array(np.searchsorted(rows, of[first:last])))
            for name in ("start", "end", "first_id", "first_start"):
                placed = placed.append_column(name, mine[name])
            writer.write_table(placed.select(SUBSTRINGS.names).cast(SUBSTRINGS))


def _write_clusters(work: Work, number: int, part: Prepared, decisions: pa.Table, release: str) -> None:
    """``duplicates/<number>.parquet``: who went for another one, and who stays for several, of one partition."""
    stands_for = copies.copies_of(work, number)
    path = work.path("clusters", number, "arrow")
    went = storage.read_arrow(path) if storage.exists(path) else copies.CLUSTER.empty_table()
    went = went.join(
        decisions.filter(pc.is_in(decisions["stage"], pa.array(OF_CLUSTERS))), "index", join_type="left outer"
    )
    stay = pa.table({"index": np.setdiff1d(np.flatnonzero(stands_for > 1), went["index"].to_numpy())})
    rows = pa.concat_tables([went, stay], promote_options="default").sort_by("index")
    if not len(rows):
        return
    with storage.parquet_writer(storage.join(release, "duplicates", f"{number:05d}.parquet"), CLUSTERS) as writer:
        index = rows["index"].to_numpy()
        for numbers, table in storage.chosen_rows(part.documents_path, np.unique(index), ["slice", "row", "id"]):
            first, last = np.searchsorted(index, [numbers[0], numbers[-1] + 1])
            mine = rows.slice(first, last - first)
            placed = _located(table, work.paths_of(number), work.of_source[number])
            placed = placed.append_column("stays", mine["stage"].is_null())
            placed = placed.append_column("cluster", pc.coalesce(mine["cluster"], placed["id"]))
            placed = placed.append_column("similarity", mine["value"])
            for name in ("stage", "rule", "kept_id"):
                placed = placed.append_column(name, mine[name])
            writer.write_table(placed.select(CLUSTERS.names).cast(CLUSTERS))


def counts_of(decisions: pa.Table) -> dict[str, dict[str, int]]:
    """Decisions counted by stage and rule."""
    counts: dict[str, Counter[str]] = {}
    for stage, rule in zip(decisions["stage"].to_pylist(), decisions["rule"].to_pylist(), strict=True):
        counts.setdefault(stage, Counter())[rule] += 1
    return {stage: dict(rules) for stage, rules in counts.items()}


def write_ledger(
    prepared: Prepared, *, paths: Sequence[str], source: str, number: int, decisions: pa.Table, release: str
) -> dict[str, dict[str, int]]:
    """Write ``dropped/<stage>/<number>.parquet`` and ``documents/<number>.parquet``; returns the counts by stage and rule.

    paths: of each slice's file. decisions: the DECISIONS table.
    """
    counts: dict[str, Counter[str]] = {}
    with ExitStack() as open_:
        files = _Files(open_)

        def place(table: pa.Table) -> None:
            placed = _located(table.select(["slice", "row", "id", "name", "url"]), paths, source)
            files.add(
                storage.join(release, "documents", f"{number:05d}.parquet"), placed.select(PLACES.names).cast(PLACES)
            )

        def drop(rows: pa.Table) -> None:
            rows = _located(rows, paths, source).select(LEDGER.names).cast(LEDGER)
            for stage in sorted(pc.unique(rows["stage"]).to_pylist()):
                mine = rows.filter(pc.equal(rows["stage"], stage))
                files.add(storage.join(release, "dropped", stage, f"{number:05d}.parquet"), mine)
                counts.setdefault(stage, Counter()).update(mine["rule"].to_pylist())

        for table in storage.row_groups(prepared.set_aside_path):
            place(table)
            drop(table.append_column("kept_id", pa.nulls(len(table), pa.string())))
        start = 0
        which = decisions["index"].to_numpy()
        order = np.argsort(which, kind="stable")
        for table in storage.row_groups(prepared.documents_path, ["slice", "row", "id", "name", "url", "text"]):
            place(table)
            mine = order[(which[order] >= start) & (which[order] < start + len(table))]
            if len(mine):
                rows = table.take(pa.array(which[mine] - start))
                said = decisions.take(pa.array(mine))
                rows = rows.append_column("excerpt", excerpts(rows["text"]))
                for name in ("stage", "rule", "value", "threshold", "kept_id"):
                    rows = rows.append_column(name, said[name])
                drop(rows)
            start += len(table)
        files.finish()
    if prepared.statistics_path is not None:
        _write_statistics(
            prepared.statistics_path, paths, source, storage.join(release, "statistics", f"{number:05d}.parquet")
        )
    return {stage: dict(rules) for stage, rules in counts.items()}


class _Files:
    """Parquet files that rows are added to as they come; each is made when it gets its first."""

    def __init__(self, open_: ExitStack):
        self.open_ = open_
        self.files: dict[str, RowGroups] = {}

    def add(self, path: str, rows: pa.Table) -> None:
        if not len(rows):
            return
        if path not in self.files:
            writer = self.open_.enter_context(storage.parquet_writer(path, rows.schema))
            self.files[path] = RowGroups(writer.write_table, ROW_GROUP)
        self.files[path].add(rows)

    def finish(self) -> None:
        for file in self.files.values():
            file.finish()


def _write_statistics(measured: str, paths: Sequence[str], source: str, target: str) -> None:
    """What the rules measured, with the place of each document before it."""
    with storage.open_parquet(measured) as file:
        columns = [field for field in file.schema_arrow if field.name not in ("slice", "row", "id")]
        with storage.parquet_writer(target, pa.schema([*STATISTICS, *columns])) as writer:
            for group in range(file.num_row_groups):
                table = _located(file.read_row_group(group), paths, source)
                writer.write_table(table.select(writer.schema.names).cast(writer.schema))


def _located(table: pa.Table, paths: Sequence[str], source: str) -> pa.Table:
    path = pa.array(paths, pa.string()).take(table["slice"].combine_chunks())
    return table.append_column("source", pa.array([source] * len(table), pa.string())).append_column("path", path)
