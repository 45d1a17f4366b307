"""*copies*: how many documents each one stands for, from what the stages of exact and near duplicates and *history* decided.

A document that is dropped hands on all that it stood for: a copy of a copy counts for the one that stays in the end.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import storage
from curation.dedup.rows import ids_at
from curation.releases.copies import CLUSTER, COPIES, EARLIER, earlier
from curation.releases.history import compared_with, tables_of
from curation.releases.work import Done, Work

Int = npt.NDArray[np.int64]


class Counted:
    """How many copies documents stand for besides themselves: numbers ascending, counts of each."""

    def __init__(self) -> None:
        self.numbers = np.zeros(0, dtype=np.int64)
        self.counts = np.zeros(0, dtype=np.int64)

    def of(self, numbers: Int) -> Int:
        """Of each of some documents: int64[m]."""
        if not len(self.numbers):
            return np.zeros(len(numbers), dtype=np.int64)
        place = np.minimum(np.searchsorted(self.numbers, numbers), len(self.numbers) - 1)
        return np.where(self.numbers[place] == numbers, self.counts[place], 0)

    def hand_on(self, dropped: Int, kept: Int) -> None:
        """Documents were dropped for others: what they stood for is theirs."""
        handed = 1 + self.of(dropped)
        left = ~np.isin(self.numbers, dropped)
        numbers = np.concatenate([self.numbers[left], kept])
        counts = np.concatenate([self.counts[left], handed])
        self.numbers, place = np.unique(numbers, return_inverse=True)
        self.counts = np.bincount(place, weights=counts, minlength=len(self.numbers)).astype(np.int64)


def run(work: Work, _: int) -> Done:
    """The documents that stand for several, beside the partitions; and those of earlier releases that new copies were found of."""
    counted = Counted()
    for dropped, kept in _decided(work):
        counted.hand_on(dropped, kept)
    files = _clusters(work) if work.recipe.dedup.write_clusters else []
    if work.recipe.dedup.history:
        files.append(work.path("earlier-copies", 0))
        storage.put_table(files[-1], _of_earlier(work, counted))
    starts = np.cumsum([0, *(part.kept for part in work.parts)])
    cuts = np.searchsorted(counted.numbers, starts)
    for number in work.numbers:
        mine = slice(cuts[number], cuts[number + 1])
        if cuts[number] < cuts[number + 1]:
            files.append(work.path("copies", number, "arrow"))
            columns = [counted.numbers[mine] - starts[number], 1 + counted.counts[mine]]
            storage.put_arrow(files[-1], pa.table(columns, schema=COPIES))
    return Done({"documents": len(counted.numbers)}, files)


def _decided(work: Work) -> Iterator[tuple[Int, Int]]:
    """What exact and near duplicates decided, in order: documents, and those that stay for them."""
    for kind in work.recipe.dedup.exact_kinds:
        for place in range(work.ranges):
            table = storage.read_arrow(work.path(f"equal-{kind}", place, "arrow"))
            yield table["dropped"].to_numpy(), table["kept"].to_numpy()
    if work.recipe.dedup.minhash is not None:
        table = storage.read_arrow(work.path("near", 0, "arrow"))
        yield table["dropped"].to_numpy(), table["kept"].to_numpy()


def ends(dropped: Int, kept: Int) -> Int:
    """For each dropped document, each there once, the one that stays in the end: int64[m]."""
    order = np.argsort(dropped)
    ordered, end = dropped[order], kept.copy()
    while len(ordered):
        place = np.minimum(np.searchsorted(ordered, end), len(ordered) - 1)
        moves = ordered[place] == end
        if not moves.any():
            break
        end[moves] = kept[order[place[moves]]]
    return end


def _clusters(work: Work) -> list[str]:
    """Beside each partition, of the documents that went for others, the id of the one that stays in the end."""
    none = np.zeros(0, dtype=np.int64)
    pairs = list(_decided(work))
    dropped = np.concatenate([none, *(one for one, _ in pairs)])
    end = ends(dropped, np.concatenate([none, *(other for _, other in pairs)]))
    cluster = _texts(ids_at(work.parts, end))
    if work.recipe.dedup.history:
        alike = _alike(work).sort_by("document")
        went = alike["document"].to_numpy()
        earlier_ids = _texts(ids_at(tables_of(work.home, compared_with(work)), alike["place"].to_numpy()))
        place = np.searchsorted(went, end)
        # What these went for went in its turn for a document of an earlier release.
        moved = np.flatnonzero(np.append(went, -1)[place] == end)
        cluster[moved] = earlier_ids[place[moved]]
        dropped, cluster = np.concatenate([dropped, went]), np.concatenate([cluster, earlier_ids])
    starts = np.cumsum([0, *(part.kept for part in work.parts)])
    order = np.argsort(dropped)
    cuts = np.searchsorted(dropped[order], starts)
    files = []
    for number in work.numbers:
        mine = order[cuts[number] : cuts[number + 1]]
        if len(mine):
            files.append(work.path("clusters", number, "arrow"))
            columns = [dropped[mine] - starts[number], pa.array(cluster[mine], pa.string())]
            storage.put_arrow(files[-1], pa.table(columns, schema=CLUSTER))
    return files


def _texts(ids: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    return np.array(ids.to_pylist(), dtype=object)


def _alike(work: Work) -> pa.Table:
    """What earlier releases kept, or nearly: the ALIKE table of all documents."""
    return pa.concat_tables([storage.read_arrow(work.path("alike", block, "arrow")) for block in range(work.ranges)])


def _of_earlier(work: Work, counted: Counted) -> pa.Table:
    """Documents of earlier releases that copies of were dropped: the EARLIER table."""
    alike = _alike(work)
    if not len(alike):
        return EARLIER.empty_table()
    dropped, place = alike["document"].to_numpy(), alike["place"].to_numpy()
    added = 1 + counted.of(dropped)
    releases = compared_with(work)
    of_table = [one.name for one in releases for _ in one.files]
    starts = np.cumsum([0, *(rows for one in releases for _, rows in one.files)])
    places, of = np.unique(place, return_inverse=True)
    ids = ids_at(tables_of(work.home, releases), places).to_pylist()
    names = [of_table[i] for i in (np.searchsorted(starts, places, side="right") - 1).tolist()]
    total = np.bincount(of, weights=added).astype(np.int64).tolist()
    return earlier(work.home, list(zip(ids, names, total, strict=True)))
