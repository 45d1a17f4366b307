"""*deduplicate*: exact duplicates first, then near ones, by range of keys: global, over ids and band keys, never text.

Documents are numbered in (source place, path, row) order over all partitions; that order decides which of equals is the first.
*keys* scatters each partition's keys by range (where there are several). *exact* finds equal keys of a range, *settle* leaves what
they decide beside the partitions. *edges* finds the candidates of a range, by block of documents; *verify* compares a block's; and
*duplicates*, the one process, joins the edges that count and says who stays. It holds 60 bytes an edge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import storage
from curation.arrays.arrow_text import as_text
from curation.dedup import clusters, minhash
from curation.dedup.clusters import Edges
from curation.dedup.key_ranges import SCHEMAS, KeyRanges, ranges_of, scatter
from curation.dedup.minhash import band_name, comparable
from curation.dedup.rows import Ranking, between, decisions_on, rows_by_partition, similarity_between
from curation.releases.keys import keys_path, left_before, ranking
from curation.releases.work import Done, Work
from schemas.dedup import Dedup, MinHash
from schemas.tables import DECIDED
from schemas.work import Prepared

Int = npt.NDArray[np.int64]
TEXT_PAIRS_AT_ONCE = 2000
EXACT_RULES = {"document": "same_text", "normalised": "same_normalised_text", "url": "same_url"}
JUST_KEPT = 6
"""Pairs that are told of which were not alike enough."""
EDGES = pa.schema([("left", pa.int64()), ("right", pa.int64()), ("alike", pa.float64())])
EQUAL = pa.schema([("dropped", pa.int64()), ("kept", pa.int64())])


class Found(NamedTuple):
    """decided: the DECIDED table. just_kept: (row, row, similarity), rows counted over all partitions: candidates just under
    the bound of which both stay, the most alike first. near: near duplicates and who stays for each, counted the same way."""

    decided: pa.Table
    just_kept: list[tuple[int, int, float]]
    near: tuple[Int, Int] | None = None


# What each stage computes


def equal(keys: npt.NDArray[np.uint64], numbers: Int, rank: Callable[[Int], Int]) -> tuple[Int, Int]:
    """Documents whose key another has, and for each the one of these that stays. keys: uint64[m, 2]; numbers: int64[m], ascending;
    rank: ascending numbers to their ranks, of which the least of a key stays."""
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    ordered = keys[order]
    new = np.r_[True, (ordered[1:] != ordered[:-1]).any(axis=1)] if len(order) else np.zeros(0, dtype=bool)
    group = np.cumsum(new) - 1
    several = np.flatnonzero(np.bincount(group, minlength=1)[group] > 1) if len(order) else order
    rows = np.sort(order[several])
    if not len(rows):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    of = np.empty(len(keys), dtype=np.int64)
    of[order] = group
    of, ranks = of[rows], rank(numbers[rows])
    best = np.lexsort((ranks, of))
    leads = np.flatnonzero(np.r_[True, of[best][1:] != of[best][:-1]])
    lead = np.empty(len(rows), dtype=np.int64)
    lead[best] = np.repeat(best[leads], np.diff(np.r_[leads, len(best)]))
    gone = np.flatnonzero(lead != np.arange(len(rows)))
    return numbers[rows[gone]], numbers[rows[lead[gone]]]


def similarity_of(parts: Sequence[Prepared], params: MinHash) -> clusters.Pairs:
    """What ``min_similarity`` bounds, of any pairs of documents."""
    return similarity_between(parts, parts) if params.verify == "signature" else jaccard_between(parts, params)


def joined(ranking: Ranking, candidates: Callable[[], Iterator[Edges]]) -> Found:
    """Who stays of the near duplicates. candidates: all of them with their similarity, gone through twice."""
    parts, params = ranking.parts, ranking.params
    assert params.minhash is not None
    bound = params.minhash.min_similarity
    good = [clusters.counting(one, bound) for one in candidates()]
    empty = np.zeros(0, dtype=np.int64)
    edges = Edges(
        np.concatenate([empty, *(one.left for one in good)]),
        np.concatenate([empty, *(one.right for one in good)]),
        np.concatenate([np.zeros(0), *(one.alike for one in good)]),
    )
    del good
    gone = clusters.Joined(empty, empty, np.zeros(0))
    if len(edges.left):
        gone = clusters.join(
            edges,
            ranking.among,
            similarity_of(parts, params.minhash),
            bound if params.minhash.linkage == "star" else None,
        )
    just_kept = clusters.most_alike(candidates(), gone.dropped, bound, JUST_KEPT) if bound is not None else []
    decided = decisions_on(parts, gone.dropped, gone.kept, "minhash", "near_duplicate", gone.alike, bound)
    return Found(decided, just_kept, (gone.dropped, gone.kept))


def deduplicate(
    parts: list[Prepared],
    params: Dedup,
    before: pa.Table | None = None,
    sources: Sequence[str] = (),
    ranges: int | None = None,
    preferences: Sequence[str] = (),
) -> Found:
    """What is dropped and which document stays in its place, in one process.

    before: what earlier global stages decided; those documents take no part. sources: each partition's, which only
    ``keep`` by source names asks for, preferences where it keeps by a value. ranges: of keys; by default as many as a run has.
    """
    ranges = ranges or ranges_of(sum(part.kept for part in parts))
    ranking = Ranking(parts, params, sources, preferences)
    decided = [before] if before is not None else []
    tables = [DECIDED.empty_table()]

    def keys() -> KeyRanges:
        gone = rows_by_partition(pa.concat_tables([DECIDED.empty_table(), *decided]), len(parts))
        return KeyRanges(parts, params, gone.__getitem__, ranges)

    for kind in params.exact_kinds:
        found = [equal(*keys().keys(kind, place), ranking.among) for place in range(ranges)]
        tables.append(settled(parts, kind, *(np.concatenate(of) for of in zip(*found, strict=True))))
        decided.append(tables[-1])
    if params.minhash is None:
        return Found(pa.concat_tables(tables), [])
    left, blocks = keys(), dict[int, list[clusters.Words]]()
    for place in range(ranges):
        for block, pairs in candidates_of(left, params.minhash, place).items():
            blocks.setdefault(block, []).append(pairs)
    compare = similarity_of(parts, params.minhash) if params.minhash.min_similarity is not None else None
    edges = [
        one
        for block, found_of in sorted(blocks.items())
        for one in clusters.verified(block, clusters.merged(found_of), compare)
    ]
    near = joined(ranking, lambda: iter(edges))
    return Found(pa.concat_tables([*tables, near.decided]), near.just_kept)


def settled(parts: Sequence[Prepared], kind: str, dropped: Int, kept: Int) -> pa.Table:
    """The DECIDED table of exact copies."""
    order = np.argsort(dropped)
    return decisions_on(parts, dropped[order], kept[order], "exact", EXACT_RULES[kind], None, 1.0)


def candidates_of(keys: KeyRanges, params: MinHash, place: int) -> dict[int, clusters.Words]:
    """The candidates of a range of keys, by block."""
    return clusters.candidates(keys.keys(band_name(band), place) for band in range(params.bands))


def jaccard_between(parts: Sequence[Prepared], params: MinHash) -> clusters.Pairs:
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
        mine = between(wanted, starts, number)
        found += [comparable(table) for _, table in storage.chosen_rows(part.documents_path, mine, ["text", "prompt"])]
    return as_text(pa.chunked_array(found, pa.large_string()))


# The stages


def run_keys(work: Work, number: int) -> Done:
    """A partition's keys, by range."""
    files = []
    for file, batches in scatter(work.parts[number], work.recipe.dedup, work.ranges).items():
        files.append(keys_path(work, number, file))
        storage.put_batches(files[-1], SCHEMAS[file], batches)
    return Done({}, files)


def run_exact(work: Work, place: int, tag: str) -> Done:
    """The documents of a range that have another one's key. tag: which key."""
    keys, numbers = left_before(work, f"exact-{tag}").keys(tag, place)
    dropped, kept = equal(keys, numbers, ranking(work).among)
    path = work.path(f"equal-{tag}", place, "arrow")
    storage.put_arrow(path, pa.table({"dropped": dropped, "kept": kept}, schema=EQUAL))
    return Done({"equal": len(dropped)}, [path])


def run_settle(work: Work, _: int, tag: str) -> Done:
    """What equal keys decide, beside the partitions."""
    tables = [storage.read_arrow(work.path(f"equal-{tag}", place, "arrow")) for place in range(work.ranges)]
    whole = pa.concat_tables(tables)
    decided = settled(work.parts, tag, whole["dropped"].to_numpy(), whole["kept"].to_numpy())
    return Done({"dropped": len(decided)}, work.decide_all(f"exact-{tag}", decided))


def run_edges(work: Work, place: int) -> Done:
    """The candidates of a range of keys, by block of documents."""
    found = candidates_of(left_before(work, "duplicates"), _minhash(work), place)
    files = []
    for block, pairs in found.items():
        files.append(work.path(f"candidates-{block:05d}", place, "arrow"))
        storage.put_arrow(files[-1], pa.table({"pair": pairs}))
    return Done({"candidates": sum(map(len, found.values()))}, files)


def run_verify(work: Work, block: int) -> Done:
    """The candidates of a block of documents, each once, with their similarity."""
    paths = [work.path(f"candidates-{block:05d}", place, "arrow") for place in range(work.ranges)]
    found = [storage.read_arrow(path)["pair"].to_numpy() for path in paths if storage.exists(path)]
    params = _minhash(work)
    pairs = clusters.merged(found) if found else np.zeros(0, dtype=np.uint64)
    compare = similarity_of(work.parts, params) if params.min_similarity is not None else None
    path = work.path("edges", block, "arrow")
    made = clusters.verified(block, pairs, compare)
    storage.put_batches(path, EDGES, (pa.record_batch(list(map(pa.array, edges)), schema=EDGES) for edges in made))
    return Done({"candidates": len(pairs)}, [path])


def run(work: Work, _: int) -> Done:
    """Who stays of the near duplicates of all partitions."""

    def candidates() -> Iterator[Edges]:
        for block in range(work.ranges):
            for batch in storage.read_batches(work.path("edges", block, "arrow")):
                yield Edges(*(column.to_numpy() for column in batch.columns))

    found = joined(ranking(work), candidates)
    counts = {"dropped": len(found.decided), "just_kept": found.just_kept}
    assert found.near is not None
    near = work.path("near", 0, "arrow")
    storage.put_arrow(near, pa.table(list(found.near), schema=EQUAL))
    return Done(counts, [near, *work.decide_all("duplicates", found.decided)])


def _minhash(work: Work) -> MinHash:
    if work.recipe.dedup.minhash is None:
        raise ValueError("the recipe looks for no near duplicates")
    return work.recipe.dedup.minhash
