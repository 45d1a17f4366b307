"""*history*: of a recurring stream, only what no earlier release of the recipe kept.

Every release holds, in ``history/``, the rows of ``signatures.parquet`` of the documents it scheduled: id, band keys,
signature. A run with ``dedup.history`` leaves out the files that an earlier release took, and drops documents whose
id, or a near duplicate of which, an earlier release kept. *index* completes an index on disk of ids and band keys
(``curation.dedup.band_index``) by the releases made since; *known* looks the keys of a range up in it; *compare* reads the
signatures of a block's candidates; *history*, the one process, leaves what that decides beside the partitions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import storage
from curation.dedup import band_index, clusters
from curation.dedup.band_index import Damaged, Index, Release
from curation.dedup.key_ranges import KeyRanges
from curation.dedup.minhash import band_name
from curation.dedup.rows import decisions_on, similarity_between
from curation.releases.history import Kept, compared_with, compared_with_path, index_of, tables_of
from curation.releases.home import Home
from curation.releases.keys import left_before
from curation.releases.work import Done, Work
from schemas.dedup import Dedup
from schemas.work import Prepared

Int = npt.NDArray[np.int64]
MAX_CANDIDATES = 8
"""Earlier documents of one band that a document is compared with; history holds no near duplicates, so few share one."""
MET = pa.schema([("document", pa.int64()), ("place", pa.int64()), ("equal", pa.bool_())])
"""A document, and an earlier one that has its id (equal) or a band key of it, by its place in the index."""
ALIKE = pa.schema([*MET, pa.field("value", pa.float64())])
"""The earlier document for which one goes, and how much they are alike."""


# What each stage computes


def met(keys: KeyRanges, index: Index, place: int) -> pa.Table:
    """What the documents left meet in the index of a range of keys: the MET table. Raises Damaged."""
    if not index.runs:
        return MET.empty_table()
    ids, documents = keys.keys("document", place)
    hit, found = band_index.holders(index, band_index.ID, ids[:, 0], 1, rest=ids[:, 1])
    tables = [_pairs(documents[hit], found, equal=True)]
    if keys.params.minhash is not None:
        pairs = np.zeros((0, 2), dtype=np.int64)
        for band in range(keys.params.minhash.bands):
            values, documents = keys.keys(band_name(band), place)
            hit, found = band_index.holders(index, band_name(band), values, MAX_CANDIDATES)
            # Documents that are alike share most bands: of each pair one is enough.
            pairs = np.unique(np.concatenate([pairs, np.stack([documents[hit], found], axis=1)]), axis=0)
        tables.append(_pairs(pairs[:, 0], pairs[:, 1], equal=False))
    return pa.concat_tables(tables)


def _pairs(documents: Int, places: Int, *, equal: bool) -> pa.Table:
    return pa.table([documents, places, np.full(len(places), equal)], schema=MET)


def met_here(keys: KeyRanges, home: Home, releases: Sequence[Release], place: int, own: str) -> pa.Table:
    """The same, from the recipe's index of these releases as ``index_of`` has left it. Others read that meanwhile: where it is
    damaged, this piece makes one of its own, in ``own``, and the next run the common one."""
    index = _index(home, releases)
    if index is not None:
        try:
            return met(keys, index, place)
        except Damaged:
            band_index.disown(index.folder)
    found = met(keys, index_of(home, keys.params, own), place)
    storage.delete_tree(own)
    return found


def _index(home: Home, releases: Sequence[Release]) -> Index | None:
    """The recipe's index; None where it is damaged, or is not of these releases."""
    index = band_index.load(home.cache("history"))
    return index if index is not None and index.releases == tuple(releases) else None


def by_block(found: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """A table of documents, by their blocks."""
    block = found["document"].to_numpy() >> clusters.BLOCK_BITS
    for number in np.unique(block).tolist():
        yield number, found.filter(pa.array(block == number))


def alike(found: pa.Table, parts: list[Prepared], kept: list[Kept], params: Dedup) -> pa.Table:
    """For each document that goes, the earlier one that it equals or is most like, of equally good ones the earliest: the
    ALIKE table. found: the MET table of some documents. kept: the tables of the index's releases."""
    document, place = found["document"].to_numpy(), found["place"].to_numpy()
    equal = found["equal"].to_numpy()
    tables = [pa.table([document[equal], place[equal], equal[equal], np.ones(equal.sum())], schema=ALIKE)]
    if params.minhash is not None:
        open_ = ~equal & ~np.isin(document, document[equal])
        pairs = np.unique(np.stack([document[open_], place[open_]], axis=1), axis=0)
        if len(pairs):
            mine, theirs = pairs.T
            value = similarity_between(parts, kept)(mine, theirs)
            order = np.lexsort((theirs, -value, mine))
            best = order[np.r_[True, np.diff(mine[order]) != 0]]
            best = best[value[best] >= (params.minhash.min_similarity or 0.0)]
            near = [mine[best], theirs[best], np.zeros(len(best), dtype=bool), value[best]]
            tables.append(pa.table(near, schema=ALIKE))
    return pa.concat_tables(tables)


def decisions(found: pa.Table, parts: list[Prepared], kept: list[Kept], params: Dedup) -> pa.Table:
    """What an earlier release kept, or nearly: the DECIDED table. found: the ALIKE table of all documents."""
    bound = params.minhash.min_similarity if params.minhash is not None else None
    tables = []
    for equal, rule, threshold in ((True, "same_text", 1.0), (False, "near_duplicate", bound)):
        mine = found.filter(pa.array(found["equal"].to_numpy() == equal))
        dropped, places, value = (mine[name].to_numpy() for name in ("document", "place", "value"))
        tables.append(decisions_on(parts, dropped, places, "history", rule, value, threshold, among=kept))
    return pa.concat_tables(tables).sort_by([("partition", "ascending"), ("index", "ascending")])


def drop_known(parts: list[Prepared], gone: list[Int], home: Home, params: Dedup, ranges: int = 1) -> pa.Table:
    """What an earlier release kept, or nearly, in one process: the DECIDED table.

    gone: for each partition the rows that earlier stages dropped, sorted. ranges: of keys.
    """
    keys, index = KeyRanges(parts, params, gone.__getitem__, ranges), index_of(home, params)
    found = [met_here(keys, home, index.releases, place, f"{index.folder}-{place}") for place in range(ranges)]
    kept = tables_of(home, index.releases)
    near = [alike(one, parts, kept, params) for _, one in by_block(pa.concat_tables(found))]
    return decisions(pa.concat_tables([ALIKE.empty_table(), *near]), parts, kept, params)


# The stages


def run_index(work: Work, _: int) -> Done:
    """Complete the index by the releases that are not in it, and say which releases this run is compared with."""
    index = index_of(work.home, work.recipe.dedup)
    path = compared_with_path(work)
    storage.put(path, json.dumps([asdict(one) for one in index.releases]).encode())
    return Done({"rows": index.rows}, [path])


def run_known(work: Work, place: int) -> Done:
    """What documents meet of a range of keys, by block of documents."""
    own = work.path("index", place, "own")
    found = met_here(left_before(work, "history"), work.home, compared_with(work), place, own)
    files = []
    for block, table in by_block(found):
        files.append(work.path(f"met-{block:05d}", place, "arrow"))
        storage.put_arrow(files[-1], table)
    return Done({"met": len(found)}, files)


def run_compare(work: Work, block: int) -> Done:
    """What of a block's documents an earlier release kept, or nearly."""
    paths = [work.path(f"met-{block:05d}", place, "arrow") for place in range(work.ranges)]
    tables = [storage.read_arrow(path) for path in paths if storage.exists(path)]
    found = pa.concat_tables([MET.empty_table(), *tables])
    path = work.path("alike", block, "arrow")
    near = alike(found, work.parts, tables_of(work.home, compared_with(work)), work.recipe.dedup)
    storage.put_arrow(path, near)
    return Done({"alike": len(near)}, [path])


def run(work: Work, _: int) -> Done:
    """What earlier releases kept, beside the partitions."""
    tables = [storage.read_arrow(work.path("alike", block, "arrow")) for block in range(work.ranges)]
    kept = tables_of(work.home, compared_with(work))
    decided = decisions(pa.concat_tables(tables), work.parts, kept, work.recipe.dedup)
    return Done({"dropped": len(decided)}, work.decide_all("history", decided))
