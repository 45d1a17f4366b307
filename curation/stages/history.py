"""*history*: of a recurring stream, only what no earlier release of the recipe kept.

Every release holds, in ``history/``, the rows of ``signatures.parquet`` of the documents it scheduled: id, band keys,
signature. A run with ``dedup.history`` leaves out the files that an earlier release took, and drops documents whose
id, or a near duplicate of which, an earlier release kept. Held at once: 16 bytes of id and one band's key a document
of history; signatures are read for candidate pairs only.
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
from curation.dedup.minhash import NO_KEY
from curation.release import Home
from curation.stages.catalogue import Input
from curation.stages.deduplicate import DECIDED, band_of, ids_of, similarity_between
from curation.stages.pool import id_texts
from curation.stages.prepare import Prepared
from schemas.dedup import Dedup
from schemas.errors import InputError, RecipeError

Int = npt.NDArray[np.int64]
SETTINGS = b"syllabus.minhash"
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
    storage.put_table(target, table.replace_schema_metadata({SETTINGS: _settings(params)}))


def _settings(params: Dedup) -> bytes:
    plain = (
        None
        if params.minhash is None
        else params.minhash.model_dump(mode="json", exclude={"min_similarity", "linkage", "verify"})
    )
    return json.dumps(plain, sort_keys=True).encode()


def load(home: Home, params: Dedup) -> list[Kept]:
    """The tables of all complete releases, oldest first.

    Raises RecipeError where a release was made with other MinHash settings: its band keys mean something else.
    """
    tables: list[Kept] = []
    for release in home.releases():
        folder = home.path(release, "history")
        for name in storage.list_folder(folder):
            path = storage.join(folder, name)
            with _opened(path, release) as file:
                made = (file.schema_arrow.metadata or {}).get(SETTINGS, b"null")
                if params.minhash is not None and made != _settings(params):
                    raise RecipeError(
                        "dedup.minhash",
                        f"release {release} was made with {made.decode()}, this recipe has "
                        f"{_settings(params).decode()}; keep the settings, or choose another name",
                    )
                tables.append(Kept(path, file.metadata.num_rows))
    return tables


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


def drop_known(parts: list[Prepared], gone: list[Int], home: Home, params: Dedup) -> pa.Table:
    """What an earlier release kept, or nearly: the DECIDED table.

    gone: for each partition the rows that earlier stages dropped, sorted.
    """
    known = load(home, params)
    starts = np.cumsum([0, *(part.kept for part in parts)])
    alive = np.ones(int(starts[-1]), dtype=bool)
    for number, rows in enumerate(gone):
        alive[starts[number] + rows] = False
    if not known or not alive.any():
        return DECIDED.empty_table()
    rows = np.flatnonzero(alive)
    ids, before = ids_of(parts)[rows], ids_of(known)
    exact = _position(ids, before)
    match, value = exact.copy(), np.where(exact >= 0, 1.0, np.nan)
    if params.minhash is not None:
        near, similarity = _near(parts, known, rows, exact < 0, params)
        match, value = np.where(exact < 0, near, match), np.where(exact < 0, similarity, value)
    hit = np.flatnonzero(match >= 0)
    bound = params.minhash.min_similarity if params.minhash is not None else None
    partition = np.searchsorted(starts, rows[hit], side="right") - 1
    same = exact[hit] >= 0
    columns: dict[str, Any] = {
        "partition": pa.array(partition, pa.int32()),
        "index": pa.array(rows[hit] - starts[partition], pa.int64()),
        "stage": pa.array(["history"] * len(hit), pa.string()),
        "rule": pa.array(np.where(same, "same_text", "near_duplicate").tolist(), pa.string()),
        "value": pa.array(value[hit], pa.float64()),
        "threshold": pa.array([1.0 if s else bound for s in same], pa.float64()),
        "kept_id": pa.array(id_texts(before[match[hit]]).tolist(), pa.string()),
    }
    return pa.table(columns, schema=DECIDED)


def _position(ids: npt.NDArray[np.uint64], among: npt.NDArray[np.uint64]) -> Int:
    """Where each id stands among others, the first place: int64[n], -1 for nowhere."""
    order = np.lexsort((among[:, 1], among[:, 0]))
    pairs = np.dtype([("a", "<u8"), ("b", "<u8")])
    ordered = np.ascontiguousarray(among[order]).view(pairs).ravel()
    wanted = np.ascontiguousarray(ids).view(pairs).ravel()
    place = np.searchsorted(ordered, wanted)
    inside = np.minimum(place, len(ordered) - 1)
    return np.where(ordered[inside] == wanted, order[inside], -1)


def _near(
    parts: list[Prepared], known: list[Kept], rows: Int, open_: npt.NDArray[np.bool_], params: Dedup
) -> tuple[Int, npt.NDArray[np.float64]]:
    """The most similar earlier document of each open row (-1: none), and how similar: int64[n], float64[n]."""
    assert params.minhash is not None
    bound = params.minhash.min_similarity or 0.0
    compare = similarity_between(parts, known)
    best, match = np.full(len(rows), -1.0), np.full(len(rows), -1)
    mine = np.flatnonzero(open_)
    for band in range(params.minhash.bands):
        keys, others = band_of(parts, band)[rows[mine]], band_of(known, band)
        order = np.argsort(others, kind="stable")
        ordered = others[order]
        first = np.searchsorted(ordered, keys, side="left")
        count = np.minimum(np.searchsorted(ordered, keys, side="right") - first, MAX_CANDIDATES)
        count[keys == NO_KEY] = 0
        left = np.repeat(np.arange(len(mine)), count)
        if not len(left):
            continue
        step = np.arange(len(left)) - np.repeat(np.cumsum(count) - count, count)
        right = order[np.repeat(first, count) + step]
        alike = compare(rows[mine[left]], right)
        # The best of each; of equally good ones the earliest.
        for i in np.lexsort((right, -alike)):
            row = mine[left[i]]
            if alike[i] >= bound and (alike[i], -right[i]) > (best[row], -match[row]):
                best[row], match[row] = alike[i], right[i]
    return match, np.where(match >= 0, best, np.nan)
