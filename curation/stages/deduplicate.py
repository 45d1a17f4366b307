"""*deduplicate*: global, over ids and band keys, never text. Exact duplicates first, then near ones.

Documents are numbered in (source place, path, row) order over all partitions; that order decides which of equals is
the first. Held at once: per document 16 bytes of id, 8 of size, 8 of cluster and one band's keys (8); signatures
are read for candidate pairs only, a partition at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import storage
from curation.dedup import clusters
from curation.dedup.minhash import NO_KEY, band_name, signature_values
from curation.stages.ledger import DECISIONS
from curation.stages.pool import id_pairs, id_texts
from curation.stages.prepare import Prepared
from schemas.dedup import Dedup, MinHash

Int = npt.NDArray[np.int64]


class Signed(Protocol):
    """A table of signatures: a prepared partition, or what an earlier release kept."""

    @property
    def signatures_path(self) -> str: ...
    @property
    def kept(self) -> int: ...


PAIRS_AT_ONCE = 1 << 20
DECIDED = pa.schema([("partition", pa.int32()), *DECISIONS])
"""One row a dropped document."""


def deduplicate(
    parts: list[Prepared], params: Dedup, before: pa.Table | None = None, sources: Sequence[str] = ()
) -> pa.Table:
    """What is dropped and which document stays in its place: the DECIDED table.

    before: what earlier global stages decided; those documents take no part. sources: each partition's, which only
    ``keep`` by source names asks for.
    """
    ids = ids_of(parts)
    n = len(ids)
    starts = np.cumsum([0, *(part.kept for part in parts)])
    rank = _rank(parts, params, sources)
    here = np.ones(n, dtype=bool)
    if before is not None:
        here[starts[before["partition"].to_numpy()] + before["index"].to_numpy()] = False
    kept = np.arange(n)
    if params.exact:
        rows = np.flatnonzero(here)
        kept[rows] = rows[_exact(ids[rows], rank[rows])]
    tables = [_decisions(np.flatnonzero(kept != np.arange(n)), kept, starts, ids, "exact", "same_text", None, 1.0)]
    if params.minhash is not None:
        alive = here & (kept == np.arange(n))
        near, value = _near(parts, ids, rank, alive, params.minhash)
        bound = params.minhash.min_similarity
        dropped = np.flatnonzero(alive & (near != np.arange(n)))
        tables.append(_decisions(dropped, near, starts, ids, "minhash", "near_duplicate", value[dropped], bound))
    return pa.concat_tables(tables)


def rows_by_partition(decided: pa.Table, partitions: int) -> list[Int]:
    """The dropped rows of each partition, sorted."""
    partition, index = decided["partition"].to_numpy(), decided["index"].to_numpy()
    return [np.sort(index[partition == number]) for number in range(partitions)]


def decisions_of(decided: pa.Table, partition: int) -> pa.Table:
    """The decisions on one partition's documents."""
    mine = decided["partition"].to_numpy() == partition
    return decided.filter(pa.array(mine)).select(DECISIONS.names)


def ids_of(parts: Sequence[Signed]) -> npt.NDArray[np.uint64]:
    """The ids of all documents: uint64[n, 2]."""
    ids = [np.zeros((0, 2), dtype=np.uint64)]
    for part in parts:
        with storage.open_parquet(part.signatures_path) as file:
            ids.append(id_pairs(file.read(columns=["id"])[0]))
    return np.concatenate(ids)


def _column(paths: Sequence[str], name: str) -> npt.NDArray[np.float64]:
    """A numeric column of all documents: float64[n]; NaN for null."""
    found = [np.zeros(0)]
    for path in paths:
        with storage.open_parquet(path) as file:
            found.append(file.read(columns=[name])[0].to_numpy().astype(np.float64))
    return np.concatenate(found)


def _rank(parts: list[Prepared], params: Dedup, sources: Sequence[str]) -> Int:
    """Documents by preference: the one with the least rank of a cluster stays; ties by place."""
    n = sum(part.kept for part in parts)
    if params.keep == "first":
        return np.arange(n)
    if params.keep == "longest":
        first = -_column([part.signatures_path for part in parts], "bytes")
    elif params.keep == "best":
        first = -_column([part.documents_path for part in parts], "quality")
    else:
        wanted = {source: place for place, source in enumerate(params.keep)}
        first = np.repeat([float(wanted.get(s, len(wanted))) for s in sources], [part.kept for part in parts])
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(n)  # NaN, no score, is last
    return rank


def _exact(ids: npt.NDArray[np.uint64], rank: Int) -> Int:
    """For each document the one that stays of those with its id."""
    order = np.lexsort((rank, ids[:, 1], ids[:, 0]))
    ordered = ids[order]
    new = np.r_[True, (ordered[1:] != ordered[:-1]).any(axis=1)] if len(order) else np.zeros(0, dtype=bool)
    kept = np.empty(len(ids), dtype=np.int64)
    kept[order] = order[np.flatnonzero(new)][np.cumsum(new) - 1] if len(order) else order
    return kept


def _near(
    parts: list[Prepared],
    ids: npt.NDArray[np.uint64],
    rank: Int,
    alive: npt.NDArray[np.bool_],
    params: MinHash,
) -> tuple[Int, npt.NDArray[np.float64]]:
    """For each document the one that stays of its cluster, and its similarity to that one."""
    rows = np.flatnonzero(alive)
    between = similarity_between(parts, parts)

    def similarity(left: Int, right: Int) -> npt.NDArray[np.float64]:
        return between(rows[left], rows[right])

    empty = band_of(parts, 0)[rows] == NO_KEY
    root = clusters.connect(
        lambda band: band_of(parts, band)[rows], params.bands, len(rows), empty, similarity, params.min_similarity
    )
    # The best-ranked member of each cluster stays.
    order = np.lexsort((rank[rows], root))
    leads = np.flatnonzero(np.r_[True, root[order][1:] != root[order][:-1]]) if len(order) else order
    stays = np.empty(len(rows), dtype=np.int64)
    stays[order] = np.repeat(order[leads], np.diff(np.r_[leads, len(order)])) if len(order) else order
    value = np.full(len(ids), np.nan)
    moved = np.flatnonzero(stays != np.arange(len(rows)))
    if len(moved):
        value[rows[moved]] = similarity(moved, stays[moved])
    kept = np.arange(len(ids))
    kept[rows] = rows[stays]
    return kept, value


def band_of(parts: Sequence[Signed], band: int) -> npt.NDArray[np.uint64]:
    """One band's keys of all documents: uint64[n]."""
    columns = [np.zeros(0, dtype=np.uint64)]
    for part in parts:
        with storage.open_parquet(part.signatures_path) as file:
            columns.append(file.read(columns=[band_name(band)])[0].to_numpy())
    return np.concatenate(columns)


def similarity_between(
    left_parts: Sequence[Signed], right_parts: Sequence[Signed]
) -> Callable[[Int, Int], npt.NDArray[np.float64]]:
    """Share of equal signature values of pairs (row of the left, row of the right); holds the pairs' signatures only."""
    starts = [np.cumsum([0, *(part.kept for part in parts)]) for parts in (left_parts, right_parts)]

    def similarity(left: Int, right: Int) -> npt.NDArray[np.float64]:
        result = np.empty(len(left))
        for start in range(0, len(left), PAIRS_AT_ONCE):
            span = slice(start, start + PAIRS_AT_ONCE)
            of_left, a = np.unique(left[span], return_inverse=True)
            of_right, b = np.unique(right[span], return_inverse=True)
            ours = _signatures(left_parts, starts[0], of_left)
            theirs = _signatures(right_parts, starts[1], of_right)
            result[span] = (ours[a] == theirs[b]).mean(axis=1)
        return result

    return similarity


def _signatures(parts: Sequence[Signed], starts: Int, wanted: Int) -> npt.NDArray[np.uint32]:
    found: list[npt.NDArray[np.uint32]] = []
    for number, part in enumerate(parts):
        low, high = starts[number], starts[number + 1]
        if not ((wanted >= low) & (wanted < high)).any():
            continue
        with storage.open_parquet(part.signatures_path) as file:
            for group in range(file.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                mine = wanted[(wanted >= low) & (wanted < low + count)] - low
                if len(mine):
                    column = file.read_row_group(group, columns=["signature"])["signature"].combine_chunks()
                    found.append(signature_values(column)[mine])
                low += count
    return np.concatenate(found)


def _decisions(
    dropped: Int,
    kept: Int,
    starts: Int,
    ids: npt.NDArray[np.uint64],
    stage: str,
    rule: str,
    value: npt.NDArray[np.float64] | None,
    threshold: float | None,
) -> pa.Table:
    partition = np.searchsorted(starts, dropped, side="right") - 1
    n = len(dropped)
    return pa.table(
        {
            "partition": pa.array(partition, pa.int32()),
            "index": pa.array(dropped - starts[partition], pa.int64()),
            "stage": pa.array([stage] * n, pa.string()),
            "rule": pa.array([rule] * n, pa.string()),
            "value": pa.array(np.ones(n) if value is None else value, pa.float64()),
            "threshold": pa.array([threshold] * n, pa.float64()),
            "kept_id": pa.array(id_texts(ids[kept[dropped]]).tolist(), pa.string()),
        },
        schema=DECIDED,
    )
