"""Keys of the documents of all partitions, a range of them at a time: exact keys and bands, with the documents' numbers.

Equal keys lie in one range, so that what shares a key is found range by range, each by a task of its own. Documents are numbered
over all partitions, in document order. Where there are several ranges, each partition's keys are scattered by range once,
so that a task reads what is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation import storage
from curation.arrays.ids import id_pairs
from curation.dedup import clusters
from curation.dedup.minhash import NO_KEY, band_name
from schemas.dedup import Dedup
from schemas.work import Prepared

EXACT, BANDS = "exact", "bands"
SCHEMAS = {
    EXACT: pa.schema([("key", pa.uint64()), ("more", pa.uint64()), ("row", pa.uint32())]),
    BANDS: pa.schema([("key", pa.uint64()), ("row", pa.uint32())]),
}
Int = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]


def ranges_of(documents: int) -> int:
    """Into how many ranges the keys of so many documents are cut, at least one: as many as there are blocks of documents, so
    that 4 million documents' keys meet in one task (60 MB a band, and a table of up to 70 MB)."""
    return max(1, -(-documents // (1 << clusters.BLOCK_BITS)))


def names_of(params: Dedup) -> dict[str, list[str]]:
    """The columns of keys that deduplication meets on, by the file that they are scattered to."""
    bands = [band_name(band) for band in range(params.minhash.bands)] if params.minhash is not None else []
    by_id = ["document"] if params.history else []  # history meets on ids even where copies among the new may stay
    return {EXACT: list(dict.fromkeys([*params.exact_kinds, *by_id])), BANDS: bands}


def scatter(part: Prepared, params: Dedup, ranges: int) -> dict[str, Iterator[pa.RecordBatch]]:
    """A partition's keys by range: for each file batches of (key[, more], row), one a column and range, in this order."""
    return {file: _batches(part, names, ranges) for file, names in names_of(params).items() if names}


def _batches(part: Prepared, names: Sequence[str], ranges: int) -> Iterator[pa.RecordBatch]:
    for name in names:
        keys, rows = _column(part, name)
        place = range_of_keys(keys, ranges)
        order = np.argsort(place, kind="stable")
        cuts = np.searchsorted(place[order], np.arange(ranges + 1))
        for first, last in pairwise(cuts.tolist()):
            chosen = order[first:last]
            columns = {"key": keys[chosen]} if keys.ndim == 1 else {"key": keys[chosen, 0], "more": keys[chosen, 1]}
            yield pa.record_batch({**columns, "row": rows[chosen].astype(np.uint32)})


def range_of_keys(keys: Keys, ranges: int) -> npt.NDArray[np.int64]:
    """The range of each key, by its upper half: keys are hashes, so these are spread evenly."""
    first = keys if keys.ndim == 1 else keys[:, 0]
    return ((first >> np.uint64(32)) * np.uint64(ranges) >> np.uint64(32)).astype(np.int64)


def _column(part: Prepared, name: str) -> tuple[Keys, Int]:
    """A column of keys and the rows that have one: uint64[m] of a band, uint64[m, 2] of exact keys."""
    if name in ("normalised", "url"):
        with storage.open_parquet(part.documents_path) as file:
            column = file.read(columns=[f"exact:{name}"], use_threads=False)[0]
        valid = np.asarray(column.is_valid())
        return id_pairs(pc.fill_null(column, bytes(16)))[valid], np.flatnonzero(valid)
    with storage.open_parquet(part.signatures_path) as file:
        if name == "document":
            ids = id_pairs(file.read(columns=["id"], use_threads=False)[0])
            return ids, np.arange(len(ids))
        keys: Keys = file.read(columns=[name], use_threads=False)[0].to_numpy()
    rows = np.flatnonzero(keys != NO_KEY)
    return keys[rows], rows


@dataclass(frozen=True)
class KeyRanges:
    """The keys of the documents that are left. gone: rows of a partition that earlier stages dropped. scattered: (partition,
    file) to what ``scatter`` left, as an Arrow file; None reads the partitions themselves."""

    parts: Sequence[Prepared]
    params: Dedup
    gone: Callable[[int], Int]
    ranges: int = 1
    scattered: Callable[[int, str], str] | None = None

    def keys(self, name: str, place: int) -> tuple[Keys, Int]:
        """The keys of a column in one range, and the numbers of their documents, in document order."""
        starts = np.cumsum([0, *(part.kept for part in self.parts)])

        def read(number: int) -> tuple[Keys, Int]:
            keys, rows = self._read(number, name, place)
            alive = np.ones(self.parts[number].kept, dtype=bool)
            alive[self.gone(number)] = False
            left = alive[rows]
            return keys[left], starts[number] + rows[left]

        found = storage.each(read, range(len(self.parts)))
        width = () if name.startswith("band") else (2,)
        empty = (np.zeros((0, *width), dtype=np.uint64), np.zeros(0, dtype=np.int64))
        keys, numbers = zip(empty, *found, strict=True)
        return np.concatenate(keys), np.concatenate(numbers)

    def _read(self, number: int, name: str, place: int) -> tuple[Keys, Int]:
        if self.scattered is None:
            keys, rows = _column(self.parts[number], name)
            if self.ranges == 1:
                return keys, rows
            mine = np.flatnonzero(range_of_keys(keys, self.ranges) == place)
            return keys[mine], rows[mine]
        (file, names), *_ = ((file, names) for file, names in names_of(self.params).items() if name in names)
        with storage.open_read(self.scattered(number, file)) as stream:
            batch = pa.ipc.open_file(stream).get_batch(names.index(name) * self.ranges + place)
        key, rows = batch["key"].to_numpy(), batch["row"].to_numpy().astype(np.int64)
        return (np.column_stack([key, batch["more"].to_numpy()]), rows) if file == EXACT else (key, rows)
