"""The ledger of one partition: why each document is not in the shards, and where every document came from.

Rows of *prepare* stand in the partition already; rows of the global stages get path, row, url and excerpt from the
prepared documents here, when they are written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from curation import storage
from curation.arrays.arrow_text import excerpts
from curation.releases import history
from curation.releases.work import Done, Work
from schemas.tables import LEDGER, PLACES, STATISTICS
from schemas.work import Prepared


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
    if storage.exists(work.path("pool", number)):
        storage.copy(work.path("pool", number), storage.join(release, "pool", f"{number:05d}.parquet"))
    decisions = work.decided(number)
    said = counts_of(decisions)
    paths = work.paths_of(number)
    written = write_ledger(
        part, paths=paths, source=work.of_source[number], number=number, decisions=decisions, release=release
    )
    return Done({"written": written, "decided": said})


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
    places: list[pa.Table] = []
    with storage.open_parquet(prepared.set_aside_path) as file:
        gone = file.read()
    if len(gone):
        places.append(_placed(gone, paths, source))
        full = _located(gone, paths, source).append_column("kept_id", pa.nulls(len(gone), pa.string()))
        _write_stages(full.select(LEDGER.names), release, number, "", counts)
    taken: list[pa.Table] = []
    with storage.open_parquet(prepared.documents_path) as file:
        start = 0
        which = decisions["index"].to_numpy()
        order = np.argsort(which, kind="stable")
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["slice", "row", "id", "name", "url", "text"])
            places.append(_placed(table, paths, source))
            mine = order[(which[order] >= start) & (which[order] < start + len(table))]
            if len(mine):
                rows = table.take(pa.array(which[mine] - start))
                said = decisions.take(pa.array(mine))
                rows = _located(rows, paths, source).append_column("excerpt", excerpts(rows["text"]))
                for name in ("stage", "rule", "value", "threshold", "kept_id"):
                    rows = rows.append_column(name, said[name])
                taken.append(rows.select(LEDGER.names))
            start += len(table)
    if taken:
        _write_stages(pa.concat_tables(taken), release, number, "", counts)
    if prepared.statistics_path is not None:
        _write_statistics(
            prepared.statistics_path, paths, source, storage.join(release, "statistics", f"{number:05d}.parquet")
        )
    if places:
        storage.put_table(
            storage.join(release, "documents", f"{number:05d}.parquet"), pa.concat_tables(places).cast(PLACES)
        )
    return {stage: dict(rules) for stage, rules in counts.items()}


def _write_statistics(measured: str, paths: Sequence[str], source: str, target: str) -> None:
    """What the rules measured, with the place of each document before it."""
    with storage.open_parquet(measured) as file:
        schema = file.schema_arrow
        columns = [field for field in schema if field.name not in ("slice", "row", "id")]
        with storage.parquet_writer(target, pa.schema([*STATISTICS, *columns])) as writer:
            for group in range(file.num_row_groups):
                table = _located(file.read_row_group(group), paths, source)
                writer.write_table(table.select(writer.schema.names).cast(writer.schema))


def _located(table: pa.Table, paths: Sequence[str], source: str) -> pa.Table:
    path = pa.array(paths, pa.string()).take(table["slice"].combine_chunks())
    return table.append_column("source", pa.array([source] * len(table), pa.string())).append_column("path", path)


def _placed(table: pa.Table, paths: Sequence[str], source: str) -> pa.Table:
    return _located(table.select(["slice", "row", "id", "name", "url"]), paths, source).select(PLACES.names)


def _write_stages(rows: pa.Table, release: str, number: int, suffix: str, counts: dict[str, Counter[str]]) -> None:
    stages = np.array(rows["stage"].to_pylist())
    for stage in sorted(set(stages)):
        mine = rows.filter(pa.array(stages == stage)).cast(LEDGER)
        storage.put_table(storage.join(release, "dropped", stage, f"{number:05d}{suffix}.parquet"), mine)
        counts.setdefault(stage, Counter()).update(mine["rule"].to_pylist())
