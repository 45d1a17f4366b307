"""*deduplicate*: global, over ids and band keys, never text. Exact duplicates first, then near ones.

Documents are numbered in (source place, path, row) order over all partitions; that order decides which of equals is
the first. Held at once: about a hundred bytes a document (ids, rank, cluster, who stays, one band's keys); signatures are
read for candidate pairs only, a quarter of a million pairs at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation import storage
from curation.arrays.arrow_text import as_text
from curation.arrays.ids import id_pairs
from curation.dedup import clusters, minhash
from curation.dedup.minhash import NO_KEY, comparable
from curation.dedup.rows import (
    _between,
    alive_rows,
    band_of,
    decisions,
    ids_of,
    rank_of,
    rows_by_partition,
    similarity_between,
)
from curation.releases.work import Done, Work
from schemas.dedup import Dedup, MinHash
from schemas.tables import DECIDED
from schemas.work import Prepared

Int = npt.NDArray[np.int64]


ROUNDS = 16
"""How often the best of what is left of each cluster is compared with all the rest of it."""
TEXT_PAIRS_AT_ONCE = 2000
EXACT_RULES = {"document": "same_text", "normalised": "same_normalised_text", "url": "same_url"}
JUST_KEPT = 6
"""Pairs that are told of which were not alike enough."""


class Found(NamedTuple):
    """decided: the DECIDED table. just_kept: (row, row, similarity), rows counted over all partitions: candidates just under
    the bound of which both stay, the most alike first."""

    decided: pa.Table
    just_kept: list[tuple[int, int, float]]


def run(work: Work, _: int) -> Done:
    """Exact and near duplicates of all partitions."""
    before = work.all_decided(before="duplicates")
    found = deduplicate(work.parts, work.recipe.dedup, before, work.of_source)
    counts = {"dropped": len(found.decided), "just_kept": found.just_kept}
    return Done(counts, work.decide_all("duplicates", found.decided))


def deduplicate(
    parts: list[Prepared], params: Dedup, before: pa.Table | None = None, sources: Sequence[str] = ()
) -> Found:
    """What is dropped and which document stays in its place.

    before: what earlier global stages decided; those documents take no part. sources: each partition's, which only
    ``keep`` by source names asks for.
    """
    ids = ids_of(parts)
    n = len(ids)
    starts, alive = alive_rows(parts, rows_by_partition(before, len(parts)) if before is not None else ())
    rank = rank_of(parts, params, sources)
    tables = [DECIDED.empty_table()]
    for kind in params.exact_kinds:
        keys, valid = (ids, alive) if kind == "document" else _keys(parts, f"exact:{kind}")
        rows = np.flatnonzero(alive & valid)
        kept = np.arange(n)
        kept[rows] = rows[_exact(keys[rows], rank[rows])]
        dropped = np.flatnonzero(kept != np.arange(n))
        tables.append(decisions(dropped, kept, starts, ids, "exact", EXACT_RULES[kind], None, 1.0))
        alive = alive & (kept == np.arange(n))
    del ids  # 16 bytes a document, while others are held
    just_kept: list[tuple[int, int, float]] = []
    if params.minhash is not None:
        near, value, just_kept = _near(parts, rank, alive, params.minhash)
        bound = params.minhash.min_similarity
        dropped = np.flatnonzero(alive & (near != np.arange(n)))
        tables.append(
            decisions(dropped, near, starts, ids_of(parts), "minhash", "near_duplicate", value[dropped], bound)
        )
    return Found(pa.concat_tables(tables), just_kept)


def _keys(parts: list[Prepared], name: str) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    """A column of 16-byte keys of all documents, uint64[n, 2], and which have one, bool[n]."""
    keys, valid = [np.zeros((0, 2), dtype=np.uint64)], [np.zeros(0, dtype=bool)]
    for part in parts:
        with storage.open_parquet(part.documents_path) as file:
            column = file.read(columns=[name])[0]
        valid.append(np.asarray(column.is_valid()))
        keys.append(id_pairs(pc.fill_null(column, bytes(16))))
    return np.concatenate(keys), np.concatenate(valid)


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
    rank: Int,
    alive: npt.NDArray[np.bool_],
    params: MinHash,
) -> tuple[Int, npt.NDArray[np.float64], list[tuple[int, int, float]]]:
    """For each document the one that stays of its cluster, and its similarity to that one; and ``just_kept``."""
    n, rows = len(alive), np.flatnonzero(alive)
    between = similarity_between(parts, parts) if params.verify == "signature" else jaccard_between(parts, params)

    def similarity(left: Int, right: Int) -> npt.NDArray[np.float64]:
        return between(rows[left], rows[right])

    empty = band_of(parts, 0)[rows] == NO_KEY
    value = np.full(n, np.nan)
    kept = np.arange(n)
    bound = params.min_similarity if params.linkage == "star" else None
    with clusters.connect(
        lambda band: band_of(parts, band)[rows], params.bands, len(rows), empty, similarity, params.min_similarity
    ) as (root, runs):
        alike_of = clusters.remembered(runs, similarity)
        left = np.flatnonzero(np.bincount(root, minlength=len(rows))[root] > 1)
        for _ in range(ROUNDS):
            if not len(left):
                break
            # The best-ranked of each cluster stays, and takes with it what is like itself; of the rest again the best, …
            order = left[np.lexsort((rank[rows[left]], root[left]))]
            leads = np.flatnonzero(np.r_[True, root[order][1:] != root[order][:-1]])
            lead = np.repeat(order[leads], np.diff(np.r_[leads, len(order)]))
            follows = order != lead
            order, lead = order[follows], lead[follows]
            alike = alike_of(order, lead) if len(order) else np.zeros(0)
            gone = np.ones(len(order), dtype=bool) if bound is None else alike >= bound
            kept[rows[order[gone]]], value[rows[order[gone]]] = rows[lead[gone]], alike[gone]
            left = np.sort(order[~gone])
        if len(left):
            # A chain of thousands, none like the next but one: what is left of it goes by the edges that it has.
            star = clusters.stars(rank[rows[left]], *clusters.edges(runs, left, len(rows), alike_of, bound or 0.0))
            follows = np.flatnonzero(star != np.arange(len(left)))
            kept[rows[left[follows]]] = rows[left[star[follows]]]
            value[rows[left[follows]]] = alike_of(left[follows], left[star[follows]]) if len(follows) else np.zeros(0)
        under = clusters.most_alike(runs, kept[rows] == rows, params.min_similarity or 0.0, JUST_KEPT)
    return kept, value, [(int(rows[a]), int(rows[b]), alike) for a, b, alike in under]


def jaccard_between(parts: Sequence[Prepared], params: MinHash) -> Callable[[Int, Int], npt.NDArray[np.float64]]:
    """Exact Jaccard similarity of pairs of documents, from their texts; holds those of some thousand pairs at once."""
    starts = np.cumsum([0, *(part.kept for part in parts)])

    def similarity(left: Int, right: Int) -> npt.NDArray[np.float64]:
        result = np.empty(len(left))
        for start in range(0, len(left), TEXT_PAIRS_AT_ONCE):
            span = slice(start, start + TEXT_PAIRS_AT_ONCE)
            wanted, place = np.unique(np.r_[left[span], right[span]], return_inverse=True)
            sets = minhash.shingle_sets(_texts(parts, starts, wanted), params)
            half = len(place) // 2
            result[span] = [minhash.jaccard(sets[a], sets[b]) for a, b in zip(place[:half], place[half:], strict=True)]
        return result

    return similarity


def _texts(parts: Sequence[Prepared], starts: Int, wanted: Int) -> pa.LargeStringArray:
    """What documents are compared by, of the wanted rows, sorted."""
    found: list[pa.Array] = []
    for number, part in enumerate(parts):
        mine = _between(wanted, starts, number)
        found += [comparable(table) for _, table in storage.chosen_rows(part.documents_path, mine, ["text", "prompt"])]
    return as_text(pa.chunked_array(found, pa.large_string()))
