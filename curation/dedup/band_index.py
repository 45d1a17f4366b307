"""What a stream has kept, on disk, to look new documents up in: ids and band keys, sorted, in Parquet.

A *run* is a folder of tables, one for ids and one a band: ``key`` uint64 (a band's key; of an id its first half, with
``rest`` for the second), ascending, and ``place`` uint32, the document's number in the run. A run stands for releases
that follow each other; a release is appended as a run of its own, and runs of like size are merged, so that a document is
written again at most log2(releases) times and few runs are looked in. ``state.json`` is put last and names the runs and
their files' sizes: a crash leaves the index as it was.

Looked up are the row groups in whose range of keys a wanted one lies: 8 bytes a band and document of history at most, a
few milliseconds a million. Everything here can be made again from the releases' own tables of signatures.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from numba import njit

from curation import storage
from curation.arrays.ids import id_pairs
from curation.dedup.minhash import NO_KEY, band_name

Keys = npt.NDArray[np.uint64]
Int = npt.NDArray[np.int64]
Columns = dict[str, npt.NDArray[Any]]

ID = "id"
STATE = "state.json"
ROW_GROUP = 1 << 16
MERGED_AT_ONCE = 1 << 22
"""Rows of two runs that are merged in memory: 100 MB."""
MOST_ROWS = 1 << 32
"""Of a run: a place has 32 bits."""


class Damaged(Exception):
    """A table of the index is missing, cut short or changed; make the index anew."""


@dataclass(frozen=True)
class Release:
    """name; files: (name, rows) of its tables of signatures, in order."""

    name: str
    files: tuple[tuple[str, int], ...]

    @property
    def rows(self) -> int:
        return sum(rows for _, rows in self.files)


@dataclass(frozen=True)
class Run:
    """first: the number, over all releases, of its first document; files: bytes by name."""

    name: str
    first: int
    rows: int
    files: dict[str, int]


@dataclass(frozen=True)
class Index:
    """folder holds the runs; settings: what the band keys were made with; releases, oldest first."""

    folder: str
    settings: str
    bands: int
    releases: tuple[Release, ...] = ()
    runs: tuple[Run, ...] = ()

    @property
    def rows(self) -> int:
        return sum(release.rows for release in self.releases)

    @property
    def bytes(self) -> int:
        return sum(size for run in self.runs for size in run.files.values())


def release_of(plain: dict[str, Any]) -> Release:
    """A release from what ``asdict`` made of it, by way of JSON."""
    return Release(plain["name"], tuple((name, rows) for name, rows in plain["files"]))


def load(folder: str) -> Index | None:
    """The index in a folder; None where there is none, or a file of it is missing or has another size."""
    path = storage.join(folder, STATE)
    if not storage.exists(path):
        return None
    try:
        plain = json.loads(storage.read_bytes(path))
        releases = tuple(map(release_of, plain["releases"]))
        runs = tuple(Run(**one) for one in plain["runs"])
        index = Index(folder, plain["settings"], plain["bands"], releases, runs)
    except (ValueError, KeyError, TypeError):
        return None
    for run in index.runs:
        for name, size in run.files.items():
            place = storage.join(folder, run.name, name)
            if not storage.exists(place) or storage.size(place) != size:
                return None
    return index


def append(index: Index, release: Release, tables: Sequence[str]) -> Index:
    """The index with a release more, saved. tables: where its ``files`` are."""
    added = Index(index.folder, index.settings, index.bands, (*index.releases, release), index.runs)
    if release.rows:
        run = _make(index, release, tables)
        runs = [*index.runs, run]
        # Like binary addition: two runs of like size become one.
        while len(runs) > 1 and runs[-2].rows < 2 * runs[-1].rows and runs[-2].rows + runs[-1].rows < MOST_ROWS:
            runs[-2:] = [_merge(index, runs[-2], runs[-1])]
        added = Index(index.folder, index.settings, index.bands, added.releases, tuple(runs))
    save(added)
    return added


def save(index: Index) -> None:
    """Make this the index; what it does not name goes."""
    plain = {**asdict(index), "version": 1}
    del plain["folder"]
    storage.put(storage.join(index.folder, STATE), json.dumps(plain).encode())
    named = {STATE, *(run.name for run in index.runs)}
    for name in storage.list_folder(index.folder):
        if name not in named:
            storage.delete_tree(storage.join(index.folder, name))


def disown(folder: str) -> None:
    """Have the index of a folder made anew by whoever needs it next; who reads it now goes on."""
    storage.delete(storage.join(folder, STATE))


def holders(index: Index, column: str, keys: Keys, most: int, rest: Keys | None = None) -> tuple[Int, Int]:
    """Which of ``keys`` documents of the index have, and which documents: int64[hits] each, at most ``most`` a key, the
    earliest. column: ``ID``, with ``rest``, or a band's name. Raises Damaged."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    which, places = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for run in index.runs:
        with _opened(index, run, column) as file:
            for group in range(file.num_row_groups):
                low, high = _range(file, group)
                begin = int(np.searchsorted(ordered, np.uint64(low), side="left"))
                end = int(np.searchsorted(ordered, np.uint64(high), side="right"))
                if begin == end:
                    continue
                mine, at = _joined(_column(file, group, "key"), ordered[begin:end], most if rest is None else ROW_GROUP)
                if not len(mine):
                    continue
                mine = order[begin + mine]
                if rest is not None:
                    same = _column(file, group, "rest")[at] == rest[mine]
                    mine, at = mine[same], at[same]
                which.append(mine)
                places.append(_column(file, group, "place")[at].astype(np.int64) + run.first)
    hit, place = np.concatenate(which), np.concatenate(places)
    by = np.lexsort((place, hit))
    hit, place = hit[by], place[by]
    nth = np.arange(len(hit)) - np.searchsorted(hit, hit, side="left")
    return hit[nth < most], place[nth < most]


def _joined(keys: Keys, wanted: Keys, most: int) -> tuple[Int, Int]:
    """Places in ``wanted`` and in ``keys``, both sorted, of what they have in common: int64[hits] each, ``most`` a key."""
    first = np.empty(len(wanted), dtype=np.int64)
    _first(keys, wanted, first)
    hits = np.flatnonzero(first >= 0)
    first = first[hits]
    count = np.minimum(np.searchsorted(keys, wanted[hits], side="right") - first, most)
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(hits, count), np.repeat(first, count) + step


@njit(nogil=True, cache=True)
def _first(keys, wanted, out):  # type: ignore[no-untyped-def]
    at = 0
    for j in range(len(wanted)):
        while at < len(keys) and keys[at] < wanted[j]:
            at += 1
        out[j] = at if at < len(keys) and keys[at] == wanted[j] else -1


@contextmanager
def _opened(index: Index, run: Run, column: str) -> Iterator[pq.ParquetFile]:
    """A run's table; what cannot be read of it raises Damaged."""
    path = storage.join(index.folder, run.name, f"{column}.parquet")
    try:
        with storage.open_parquet(path, page_checksum_verification=True) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise Damaged from error


def _range(file: pq.ParquetFile, group: int) -> tuple[int, int]:
    statistics = file.metadata.row_group(group).column(0).statistics
    return statistics.min, statistics.max


def _column(file: pq.ParquetFile, group: int, name: str) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = file.read_row_group(group, columns=[name], use_threads=False)[name].to_numpy()
    return values


def _names(index: Index) -> list[str]:
    return [ID, *(band_name(band) for band in range(index.bands))]


def _schema(column: str) -> pa.Schema:
    rest = [pa.field("rest", pa.uint64())] if column == ID else []
    return pa.schema([pa.field("key", pa.uint64()), *rest, pa.field("place", pa.uint32())])


def _writer(index: Index, name: str, column: str) -> Any:
    path = storage.join(index.folder, name, f"{column}.parquet")
    return storage.parquet_writer(path, _schema(column), "none", dictionary=False, checksums=True)


def _make(index: Index, release: Release, tables: Sequence[str]) -> Run:
    """A run of one release."""
    for column in _names(index):
        read = []
        for path in tables:
            with storage.open_parquet(path) as file:
                read.append(file.read(columns=[column])[0])
        values = pa.chunked_array([chunk for one in read for chunk in one.chunks], read[0].type)
        found: Columns = {"place": np.arange(len(values), dtype=np.uint32)}
        if column == ID:
            halves = id_pairs(values)
            found |= {"key": halves[:, 0], "rest": halves[:, 1]}
        else:
            found["key"] = values.to_numpy()
            found = {name: one[found["key"] != NO_KEY] for name, one in found.items()}
        order = np.argsort(found["key"], kind="stable")
        with _writer(index, release.name, column) as writer:
            if len(order):  # a row group of no rows has no range
                writer.write_table(_table({name: one[order] for name, one in found.items()}, column), ROW_GROUP)
    return _described(index, release.name, index.rows, release.rows)


def _merge(index: Index, one: Run, other: Run) -> Run:
    """A run of two that follow each other, a range of keys at a time."""
    name = f"{one.name.split('_')[0]}_{other.name.split('_')[-1]}"
    ranges = -(-(one.rows + other.rows) // MERGED_AT_ONCE)
    bounds = [(number << 64) // ranges for number in range(ranges + 1)]
    for column in _names(index):
        with _writer(index, name, column) as writer:
            for low, high in pairwise(bounds):
                both = [_between(index, run, column, low, high - 1, run.first - one.first) for run in (one, other)]
                found = {key: np.concatenate([part[key] for part in both]) for key in both[0]}
                order = np.argsort(found["key"], kind="stable")
                if len(order):
                    writer.write_table(_table({key: part[order] for key, part in found.items()}, column), ROW_GROUP)
    return _described(index, name, one.first, one.rows + other.rows)


def _between(index: Index, run: Run, column: str, low: int, high: int, shift: int) -> Columns:
    """A run's rows with keys from low to high; places moved by ``shift``."""
    found = [{name: np.zeros(0, dtype=kind.to_pandas_dtype()) for name, kind in _types(column)}]
    with _opened(index, run, column) as file:
        for group in range(file.num_row_groups):
            first, last = _range(file, group)
            if first > high or last < low:
                continue
            read = {name: _column(file, group, name) for name, _ in _types(column)}
            inside = (read["key"] >= np.uint64(low)) & (read["key"] <= np.uint64(high))
            found.append({name: values[inside] for name, values in read.items()})
    joined = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    return {**joined, "place": joined["place"] + np.uint32(shift)}


def _types(column: str) -> list[tuple[str, pa.DataType]]:
    return [(field.name, field.type) for field in _schema(column)]


def _table(found: Columns, column: str) -> pa.Table:
    return pa.table({name: pa.array(found[name], kind) for name, kind in _types(column)}, schema=_schema(column))


def _described(index: Index, name: str, first: int, rows: int) -> Run:
    names = [f"{column}.parquet" for column in _names(index)]
    return Run(name, first, rows, {one: storage.size(storage.join(index.folder, name, one)) for one in names})
