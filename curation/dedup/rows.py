"""Documents of all partitions, counted as one: their ids, keys, signatures and ranks, and decisions on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import storage
from curation.arrays.ids import id_pairs, id_strings
from curation.dedup import minhash
from curation.dedup.minhash import signature_values
from schemas.dedup import Dedup
from schemas.tables import DECIDED, DECISIONS
from schemas.work import Prepared

Int = npt.NDArray[np.int64]


class Signed(Protocol):
    """A table of signatures: a prepared partition, or what an earlier release kept."""

    @property
    def signatures_path(self) -> str: ...
    @property
    def kept(self) -> int: ...


PAIRS_AT_ONCE = 1 << 18


def alive_rows(parts: Sequence[Signed], gone: Sequence[Int]) -> tuple[Int, npt.NDArray[np.bool_]]:
    """Where each partition's documents begin among all, and which are still there: int64[partitions + 1], bool[n].

    gone: for each partition the rows that earlier stages dropped.
    """
    starts = np.cumsum([0, *(part.kept for part in parts)])
    alive = np.ones(int(starts[-1]), dtype=bool)
    for number, rows in enumerate(gone):
        alive[starts[number] + rows] = False
    return starts, alive


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

    def read(part: Signed) -> npt.NDArray[np.uint64]:
        with storage.open_parquet(part.signatures_path) as file:
            return id_pairs(file.read(columns=["id"], use_threads=False)[0])

    return np.concatenate([np.zeros((0, 2), dtype=np.uint64), *storage.each(read, parts)])


def similarity_between(
    left_parts: Sequence[Signed], right_parts: Sequence[Signed]
) -> Callable[[Int, Int], npt.NDArray[np.float64]]:
    """Share of equal signature values of pairs (row of the left, row of the right); holds the pairs' signatures only."""

    def similarity(left: Int, right: Int) -> npt.NDArray[np.float64]:
        result = np.empty(len(left))
        for start in range(0, len(left), PAIRS_AT_ONCE):
            span = slice(start, start + PAIRS_AT_ONCE)
            of_left, a = np.unique(left[span], return_inverse=True)
            of_right, b = np.unique(right[span], return_inverse=True)
            ours = taken(left_parts, of_left, "signature", signature_values)
            theirs = taken(right_parts, of_right, "signature", signature_values)
            result[span] = minhash.shares(ours, a, theirs, b)
        return result

    return similarity


def taken(
    parts: Sequence[Signed], wanted: Int, column: str, values: Callable[[pa.Array], npt.NDArray[Any]]
) -> npt.NDArray[Any]:
    """A column of the tables of signatures in the wanted rows, sorted. values: the column as an array, a row a document."""
    return _taken([part.signatures_path for part in parts], parts, wanted, column, values)


@dataclass(frozen=True)
class Ranking:
    """How documents are preferred. parts, sources: the partitions, and each one's source. preferences: where each one's values
    lie, of a recipe that keeps by one (column ``value``, row for row)."""

    parts: Sequence[Prepared]
    params: Dedup
    sources: Sequence[str] = ()
    preferences: Sequence[str] = ()

    def among(self, numbers: Int) -> Int:
        """The rank of ascending numbers: the least stays; ties by id, then place. int64[m]."""
        keep, by = self.params.keep, self.params.keeps_by
        if keep == "first" or not len(numbers):
            return numbers
        if by is not None:
            first = _in_order(_taken(self.preferences, self.parts, numbers, "value", _plain))
            first = -first if by.most else first
        elif keep == "longest":
            first = -taken(self.parts, numbers, "bytes", _floats)
        elif keep == "best":
            first = -_taken([part.documents_path for part in self.parts], self.parts, numbers, "quality", _floats)
        else:
            starts = np.cumsum([0, *(part.kept for part in self.parts)])
            wanted = {source: place for place, source in enumerate(keep)}
            of_partition = np.array([float(wanted.get(source, len(wanted))) for source in self.sources])
            first = of_partition[np.searchsorted(starts, numbers, side="right") - 1]
        # Little-endian halves: swapped they sort as the bytes do.
        ids = taken(self.parts, numbers, "id", id_pairs).byteswap()
        rank = np.empty(len(numbers), dtype=np.int64)
        rank[np.lexsort((ids[:, 1], ids[:, 0], first))] = np.arange(len(numbers))  # NaN, no value, is last
        return rank


def _plain(column: pa.Array) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values


def _in_order(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Numbers as they are, texts as their places in the alphabet; NaN for none."""
    if values.dtype != object:
        return values.astype(np.float64)
    known = np.array([value is not None for value in values])
    found = np.full(len(values), np.nan)
    found[known] = np.unique(values[known].astype(str), return_inverse=True)[1]
    return found


def _floats(column: pa.Array) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _taken(
    paths: Sequence[str],
    parts: Sequence[Signed],
    wanted: Int,
    column: str,
    values: Callable[[pa.Array], npt.NDArray[Any]],
) -> npt.NDArray[Any]:
    starts = np.cumsum([0, *(part.kept for part in parts)])

    def read(number: int) -> list[npt.NDArray[Any]]:
        mine = between(wanted, starts, number)
        tables = storage.chosen_rows(paths[number], mine, [column])
        return [values(table[column].combine_chunks()) for _, table in tables]

    touched = np.flatnonzero(np.diff(np.searchsorted(wanted, starts))).tolist()
    return np.concatenate([one for found in storage.each(read, touched) for one in found])


def between(wanted: Int, starts: Int, number: int) -> Int:
    """Of rows counted over all partitions, sorted, those of one, as it counts them."""
    first, last = np.searchsorted(wanted, starts[number : number + 2])
    return wanted[first:last] - starts[number]


def decisions(
    dropped: Int,
    kept: Int | None,
    starts: Int,
    ids: npt.NDArray[np.uint64],
    stage: str,
    rule: str,
    value: npt.NDArray[np.float64] | None,
    threshold: float | None,
) -> pa.Table:
    """The DECIDED table of documents that are dropped. kept: for each document the one that stays for it; None for none.
    value: one a dropped document; None is 1."""
    kept_ids = None if kept is None else id_strings(ids[kept[dropped]])
    return _decided(dropped, kept_ids, starts, stage, rule, value, threshold)


def decisions_on(
    parts: Sequence[Signed],
    dropped: Int,
    kept: Int,
    stage: str,
    rule: str,
    value: npt.NDArray[np.float64] | None,
    threshold: float | None,
    *,
    among: Sequence[Signed] | None = None,
) -> pa.Table:
    """The DECIDED table of dropped documents, and of those that stay for each. value: None is 1. among: the tables that ``kept``
    counts in; by default the same."""
    starts = np.cumsum([0, *(part.kept for part in parts)])
    return _decided(dropped, ids_at(among or parts, kept), starts, stage, rule, value, threshold)


def ids_at(parts: Sequence[Signed], numbers: Int) -> pa.ChunkedArray:
    """The ids of documents, in any order, some more than once: strings."""
    wanted, place = np.unique(numbers, return_inverse=True)
    ids = taken(parts, wanted, "id", id_pairs) if len(wanted) else np.zeros((0, 2), dtype=np.uint64)
    return id_strings(ids[place])


def decisions_for(stage: str, said: Sequence[tuple[int, tuple[str, float, float]]]) -> pa.Table:
    """The DECISIONS table of rows of one partition: row, and rule, value, threshold of each."""
    n = len(said)
    return pa.table(
        {
            "index": pa.array([row for row, _ in said], pa.int64()),
            "stage": pa.repeat(stage, n),
            "rule": pa.array([rule for _, (rule, _, _) in said], pa.string()),
            "value": pa.array([value for _, (_, value, _) in said], pa.float64()),
            "threshold": pa.array([bound for _, (_, _, bound) in said], pa.float64()),
            "kept_id": pa.nulls(n, pa.string()),
        },
        schema=DECISIONS,
    )


def _decided(
    dropped: Int,
    kept_ids: pa.ChunkedArray | None,
    starts: Int,
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
            "stage": pa.repeat(stage, n),
            "rule": pa.repeat(rule, n),
            "value": pa.array(np.ones(n) if value is None else value, pa.float64()),
            "threshold": pa.repeat(pa.scalar(threshold, pa.float64()), n),
            "kept_id": kept_ids if kept_ids is not None else pa.nulls(n, pa.string()),
        },
        schema=DECIDED,
    )
