"""*history*: of a recurring stream, only what no earlier release of the recipe kept.

Every release holds, in ``history/``, the rows of ``signatures.parquet`` of the documents it scheduled: id, band keys,
signature. A run with ``dedup.history`` leaves out the files that an earlier release took, and drops documents whose
id, or a near duplicate of which, an earlier release kept. New documents are looked up in an index on disk of ids and band
keys (``curation.dedup.band_index``), which each run completes by the releases made since; signatures are read for
candidate pairs only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import storage
from curation.arrays.ids import id_pairs, id_texts
from curation.dedup import band_index
from curation.dedup.band_index import Damaged, Index
from curation.dedup.minhash import NO_KEY, band_name
from curation.dedup.rows import alive_rows, band_of, ids_of, rows_by_partition, similarity_between, taken
from curation.releases.history import Kept, index_of
from curation.releases.home import Home
from curation.releases.work import Done, Work
from schemas.dedup import Dedup
from schemas.tables import DECIDED
from schemas.work import Prepared

Int = npt.NDArray[np.int64]
MAX_CANDIDATES = 8
"""Earlier documents of one band that a document is compared with; history holds no near duplicates, so few share one."""


def run(work: Work, _: int) -> Done:
    """What earlier releases kept, of all partitions."""
    gone = rows_by_partition(work.all_decided(before="history"), len(work.partitions))
    decided = drop_known(work.parts, gone, work.home, work.recipe.dedup)
    return Done({"dropped": len(decided)}, work.decide_all("history", decided))


def drop_known(parts: list[Prepared], gone: list[Int], home: Home, params: Dedup) -> pa.Table:
    """What an earlier release kept, or nearly: the DECIDED table.

    gone: for each partition the rows that earlier stages dropped, sorted.
    """
    starts, alive = alive_rows(parts, gone)
    index = index_of(home, params)
    if not index.rows or not alive.any():
        return DECIDED.empty_table()
    rows = np.flatnonzero(alive)
    try:
        match, value, equal = _matches(parts, index, home, rows, params)
    except Damaged:
        storage.delete_tree(index.folder)
        index = index_of(home, params)
        match, value, equal = _matches(parts, index, home, rows, params)
    hit = np.flatnonzero(match >= 0)
    bound = params.minhash.min_similarity if params.minhash is not None else None
    partition = np.searchsorted(starts, rows[hit], side="right") - 1
    same = equal[hit]
    wanted, place = np.unique(match[hit], return_inverse=True)
    kept = taken(_tables(home, index), wanted, "id", id_pairs)[place] if len(hit) else np.zeros((0, 2), np.uint64)
    columns: dict[str, Any] = {
        "partition": pa.array(partition, pa.int32()),
        "index": pa.array(rows[hit] - starts[partition], pa.int64()),
        "stage": pa.array(["history"] * len(hit), pa.string()),
        "rule": pa.array(np.where(same, "same_text", "near_duplicate").tolist(), pa.string()),
        "value": pa.array(value[hit], pa.float64()),
        "threshold": pa.array([1.0 if s else bound for s in same], pa.float64()),
        "kept_id": pa.array(id_texts(kept).tolist(), pa.string()),
    }
    return pa.table(columns, schema=DECIDED)


def _tables(home: Home, index: Index) -> list[Kept]:
    """The releases' tables, in the order of the index's places."""
    return [
        Kept(home.path(release.name, "history", file), rows)
        for release in index.releases
        for file, rows in release.files
    ]


def _matches(
    parts: list[Prepared], index: Index, home: Home, rows: Int, params: Dedup
) -> tuple[Int, npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The earlier document that each row equals or is most like, how much, and whether it equals it: int64[rows], -1 for
    none, float64[rows], bool[rows]. Of equally good ones the earliest. Raises Damaged."""
    match, value = np.full(len(rows), -1, dtype=np.int64), np.full(len(rows), np.nan)
    ids = ids_of(parts)[rows]
    hit, place = band_index.holders(index, band_index.ID, ids[:, 0], 1, rest=ids[:, 1])
    match[hit], value[hit] = place, 1.0
    equal = match >= 0
    if params.minhash is None:
        return match, value, equal
    open_ = np.flatnonzero(~equal)
    candidates = np.zeros((0, 2), dtype=np.int64)
    for band in range(params.minhash.bands):
        keys = band_of(parts, band)[rows[open_]]
        some = np.flatnonzero(keys != NO_KEY)
        which, place = band_index.holders(index, band_name(band), keys[some], MAX_CANDIDATES)
        # Documents that are alike share most bands: of each pair one is enough.
        candidates = np.unique(np.concatenate([candidates, np.stack([open_[some[which]], place], axis=1)]), axis=0)
    if len(candidates):
        mine, place = candidates.T
        alike = similarity_between(parts, _tables(home, index))(rows[mine], place)
        order = np.lexsort((place, -alike, mine))
        best = order[np.r_[True, np.diff(mine[order]) != 0]]
        best = best[alike[best] >= (params.minhash.min_similarity or 0.0)]
        match[mine[best]], value[mine[best]] = place[best], alike[best]
    return match, value, equal
