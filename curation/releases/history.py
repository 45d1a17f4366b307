"""``history/`` of releases: what each kept, and the index over all of them that a recurring run looks documents up in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.arrays.row_groups import RowGroups
from curation.dedup import band_index
from curation.dedup.band_index import Damaged, Index, Release
from curation.dedup.minhash import HASHING
from curation.releases import known_texts
from curation.releases.home import Home
from curation.releases.work import Work
from schemas.dedup import Dedup
from schemas.errors import InputError, RecipeError
from schemas.work import Input, Prepared

Int = npt.NDArray[np.int64]

SETTINGS = b"syllabus.minhash"


ROW_GROUP = 1024
"""Rows that are read for one candidate: half a megabyte of signatures."""


@dataclass(frozen=True)
class Kept:
    """A table of what an earlier release kept: ``kept`` rows at ``signatures_path``."""

    signatures_path: str
    kept: int


def tables_of(home: Home, releases: Sequence[Release]) -> list[Kept]:
    """The releases' tables, in the order of the index's places."""
    return [Kept(home.path(one.name, "history", file), rows) for one in releases for file, rows in one.files]


def compared_with_path(work: Work) -> str:
    """Where a run notes the releases that it is compared with."""
    return work.path("compared-with", 0, "json")


def compared_with(work: Work) -> list[Release]:
    """The releases that a run is compared with."""
    return [band_index.release_of(one) for one in json.loads(storage.read_bytes(compared_with_path(work)))]


def new_inputs(inputs: list[Input], home: Home) -> list[Input]:
    """The files that no earlier release took, by content; which of equal ones counts is settled anew."""
    seen = {file["fingerprint"] for name in home.releases() for file in home.manifest(name)["inputs"]}
    left = [file for file in inputs if file.fault or file.fingerprint not in seen]
    paths = {file.path for file in left}
    return [replace(file, same_as=None) if file.same_as not in paths else file for file in left]


def write(prepared: Prepared, rows: Int, *, params: Dedup, target: str) -> None:
    """Keep the signatures of a partition's scheduled rows with the release. rows: sorted rows of its documents."""
    with storage.open_parquet(prepared.signatures_path) as file:
        schema = file.schema_arrow.with_metadata({SETTINGS: _settings(params).encode()})
    with storage.parquet_writer(target, schema, "none") as writer:
        groups = RowGroups(writer.write_table, ROW_GROUP)
        for _, table in storage.chosen_rows(prepared.signatures_path, rows):
            groups.add(table.cast(schema))
        groups.finish()


def _settings(params: Dedup) -> str:
    """What band keys and signatures depend on."""
    if params.minhash is None:
        return "null"
    plain = params.minhash.model_dump(mode="json", exclude={"min_similarity", "linkage", "verify"})
    return json.dumps({**plain, "hashing": HASHING}, sort_keys=True)


def index_of(home: Home, params: Dedup, folder: str | None = None) -> Index:
    """The index of what all complete releases kept, brought up to date: only releases that are not in it are read.

    It is made anew where it is damaged, where a release has gone, or where it holds other band keys. Raises RecipeError
    where a release was made with other MinHash settings: its band keys mean something else. Raises InputError for a
    release whose table cannot be read. folder: where it lies; by default the recipe's.
    """
    folder = folder or home.cache("history")
    try:
        return _completed(band_index.load(folder), folder, home, params)
    except Damaged:
        return _completed(None, folder, home, params)


def _completed(index: Index | None, folder: str, home: Home, params: Dedup) -> Index:
    settings, complete = _settings(params), home.releases()
    if (
        index is None
        or index.settings != settings
        or [r.name for r in index.releases] != complete[: len(index.releases)]
    ):
        index = Index(folder, settings, 0 if params.minhash is None else params.minhash.bands)
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
    storage.delete_tree(home.path(release, known_texts.FOLDER))
    storage.delete_tree(home.cache("history"))  # made anew from the others
