"""*history*: of a recurring stream, only what no earlier release of the recipe kept.

Every release holds, in ``history/``, the rows of ``signatures.parquet`` of the documents it scheduled: id, band keys,
signature. A run with ``dedup.history`` leaves out the files that an earlier release took, and drops documents whose
id, or a near duplicate of which, an earlier release kept. New documents are looked up in an index on disk of ids and band
keys (``curation.dedup.band_index``), which each run completes by the releases made since; signatures are read for
candidate pairs only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.dedup import band_index
from curation.dedup.band_index import Damaged, Index, Release
from curation.dedup.minhash import HASHING, NO_KEY, band_name
from curation.ids import id_pairs, id_texts
from curation.release import Home
from curation.stages.deduplicate import alive_rows, band_of, ids_of, rows_by_partition, similarity_between, taken
from curation.work import DECIDED, Done, Work
from schemas.dedup import Dedup
from schemas.errors import InputError, RecipeError
from schemas.work import Input, Prepared

Int = npt.NDArray[np.int64]
SETTINGS = b"syllabus.minhash"
ROW_GROUP = 1024
"""Rows that are read for one candidate: half a megabyte of signatures."""
MAX_CANDIDATES = 8
"""Earlier documents of one band that a document is compared with; history holds no near duplicates, so few share one."""


@dataclass(frozen=True)
class Kept:
    """A table of what an earlier release kept: ``kept`` rows at ``signatures_path``."""

    signatures_path: str
    kept: int


def new_inputs(inputs: list[Input], home: Home) -> list[Input]:
    """The files that no earlier release took, by content; which of equal ones counts is settled anew."""
    seen = {file["fingerprint"] for name in home.releases() for file in home.manifest(name)["inputs"]}
    left = [file for file in inputs if file.fault or file.fingerprint not in seen]
    paths = {file.path for file in left}
    return [replace(file, same_as=None) if file.same_as not in paths else file for file in left]


def write(prepared: Prepared, rows: Int, *, params: Dedup, target: str) -> None:
    """Keep the signatures of a partition's scheduled rows with the release. rows: sorted rows of its documents."""
    with storage.open_parquet(prepared.signatures_path) as file:
        table = file.read().take(pa.array(rows))
    signed = table.replace_schema_metadata({SETTINGS: _settings(params).encode()})
    storage.put_table(target, signed, "none", row_group=ROW_GROUP)


def _settings(params: Dedup) -> str:
    """What band keys and signatures depend on."""
    if params.minhash is None:
        return "null"
    plain = params.minhash.model_dump(mode="json", exclude={"min_similarity", "linkage", "verify"})
    return json.dumps({**plain, "hashing": HASHING}, sort_keys=True)


def index_of(home: Home, params: Dedup) -> Index:
    """The index of what all complete releases kept, brought up to date: only releases that are not in it are read.

    It is made anew where it is damaged, where a release has gone, or where it holds other band keys. Raises RecipeError
    where a release was made with other MinHash settings: its band keys mean something else. Raises InputError for a
    release whose table cannot be read.
    """
    try:
        return _completed(band_index.load(home.cache("history")), home, params)
    except Damaged:
        return _completed(None, home, params)


def _completed(index: Index | None, home: Home, params: Dedup) -> Index:
    settings, complete = _settings(params), home.releases()
    if (
        index is None
        or index.settings != settings
        or [r.name for r in index.releases] != complete[: len(index.releases)]
    ):
        index = Index(home.cache("history"), settings, 0 if params.minhash is None else params.minhash.bands)
        band_index.save(index)
    for name in complete[len(index.releases) :]:
        release = _release(home, name, params)
        index = band_index.append(index, release, [home.path(name, "history", file) for file, _ in release.files])
    return index


def _release(home: Home, name: str, params: Dedup) -> Release:
    """What a release kept. Raises RecipeError, InputError."""
    files = []
    for file_name in storage.list_folder(home.path(name, "history")):
        with _opened(home.path(name, "history", file_name), name) as file:
            made = (file.schema_arrow.metadata or {}).get(SETTINGS, b"null").decode()
            if params.minhash is not None and made != _settings(params):
                raise RecipeError(
                    "dedup.minhash",
                    f"release {name} was made with {made}, this recipe has {_settings(params)}; keep the settings, "
                    f"choose another name, or leave the release out: syllabus history RECIPE --forget {name}",
                )
            files.append((file_name, file.metadata.num_rows))
    return Release(name, tuple(files))


@contextmanager
def _opened(path: str, release: str) -> Iterator[pq.ParquetFile]:
    try:
        with storage.open_parquet(path) as file:
            yield file
    except pa.ArrowException as error:
        raise InputError(
            path,
            f"this part of the history cannot be read ({str(error).splitlines()[0][:120]}); put it back from a copy, or let "
            f"the stream go on without it: syllabus history RECIPE --forget {release}",
        ) from None


@dataclass(frozen=True)
class Remembered:
    """What one release adds to the history: documents, and bytes on disk."""

    release: str
    documents: int
    bytes: int


def remembered(home: Home) -> list[Remembered]:
    """What each complete release adds, oldest first."""
    found = []
    for release in home.releases():
        folder = home.path(release, "history")
        paths = [storage.join(folder, name) for name in storage.list_folder(folder)]
        documents = 0
        for path in paths:
            with _opened(path, release) as file:
                documents += file.metadata.num_rows
        found.append(Remembered(release, documents, sum(storage.size(path) for path in paths)))
    return found


def forget(home: Home, release: str) -> None:
    """Take a release out of the history: its documents count as new again, its input files stay seen.

    Raises RecipeError for a release that is not there.
    """
    if release not in home.releases():
        raise RecipeError(
            "--forget", f"{release!r} is no complete release; there are {', '.join(home.releases()) or 'none'}"
        )
    storage.delete_tree(home.path(release, "history"))
    storage.delete_tree(home.cache("history"))  # made anew from the others


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
