"""The ledger of one partition: why each document is not in the shards, and where every document came from.

Rows of *prepare* stand in the partition already; rows of the global stages get path, row, url and excerpt from the
prepared documents here, when they are written.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa

from curation import storage
from curation.stages.prepare import Prepared, excerpts
from schemas.tables import LEDGER, PLACES, STATISTICS

DECISIONS = pa.schema(
    [
        ("index", pa.int64()),
        ("stage", pa.string()),
        ("rule", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("kept_id", pa.string()),
    ]
)
"""What the global stages dropped of one partition; ``index`` is the row of its documents table."""


def write_ledger(
    prepared: Prepared, *, path: str, source: str, number: int, decisions: pa.Table, release: str
) -> dict[str, dict[str, int]]:
    """Write ``dropped/<stage>/<number>.parquet`` and ``documents/<number>.parquet``; returns the counts by stage and rule."""
    counts: dict[str, Counter[str]] = {}
    places: list[pa.Table] = []
    with storage.open_parquet(prepared.set_aside_path) as file:
        gone = file.read()
    if len(gone):
        places.append(_placed(gone, path, source))
        full = _located(gone, path, source).append_column("kept_id", pa.nulls(len(gone), pa.string()))
        _write_stages(full.select(LEDGER.names), release, number, "", counts)
    taken: list[pa.Table] = []
    with storage.open_parquet(prepared.documents_path) as file:
        start = 0
        which = decisions["index"].to_numpy()
        order = np.argsort(which, kind="stable")
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["row", "id", "name", "url", "text"])
            places.append(_placed(table, path, source))
            mine = order[(which[order] >= start) & (which[order] < start + len(table))]
            if len(mine):
                rows = table.take(pa.array(which[mine] - start))
                said = decisions.take(pa.array(mine))
                rows = _located(rows, path, source).append_column("excerpt", excerpts(rows["text"]))
                for name in ("stage", "rule", "value", "threshold", "kept_id"):
                    rows = rows.append_column(name, said[name])
                taken.append(rows.select(LEDGER.names))
            start += len(table)
    if taken:
        _write_stages(pa.concat_tables(taken), release, number, "", counts)
    if prepared.statistics_path is not None:
        _write_statistics(
            prepared.statistics_path, path, source, storage.join(release, "statistics", f"{number:05d}.parquet")
        )
    if places:
        storage.put_table(
            storage.join(release, "documents", f"{number:05d}.parquet"), pa.concat_tables(places).cast(PLACES)
        )
    return {stage: dict(rules) for stage, rules in counts.items()}


def _write_statistics(measured: str, path: str, source: str, target: str) -> None:
    """What the rules measured, with the place of each document before it."""
    with storage.open_parquet(measured) as file:
        schema = file.schema_arrow
        columns = [field for field in schema if field.name not in ("row", "id")]
        with storage.parquet_writer(target, pa.schema([*STATISTICS, *columns])) as writer:
            for group in range(file.num_row_groups):
                table = _located(file.read_row_group(group), path, source)
                writer.write_table(table.select(writer.schema.names).cast(writer.schema))


def _located(table: pa.Table, path: str, source: str) -> pa.Table:
    n = len(table)
    return table.append_column("source", pa.array([source] * n, pa.string())).append_column(
        "path", pa.array([path] * n, pa.string())
    )


def _placed(table: pa.Table, path: str, source: str) -> pa.Table:
    return _located(table.select(["row", "id", "name", "url"]), path, source).select(PLACES.names)


def _write_stages(rows: pa.Table, release: str, number: int, suffix: str, counts: dict[str, Counter[str]]) -> None:
    stages = np.array(rows["stage"].to_pylist())
    for stage in sorted(set(stages)):
        mine = rows.filter(pa.array(stages == stage)).cast(LEDGER)
        storage.put_table(storage.join(release, "dropped", stage, f"{number:05d}{suffix}.parquet"), mine)
        counts.setdefault(stage, Counter()).update(mine["rule"].to_pylist())
