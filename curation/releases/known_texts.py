"""``known/`` of releases: the texts that a stream has published, and their anchors, to find substrings of in later runs.

A release whose recipe has `dedup.history` and `dedup.substrings` keeps, a file a partition, its scheduled documents' texts as they
were before anything was cut (``texts``: id, text) and their anchors (``anchors``, sorted by key; ``row`` counts in ``texts``).
That is about half a byte a byte of text. Releases made before the setting have none, and cut nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import storage
from curation.dedup.key_ranges import range_of_keys
from curation.releases.home import Home
from schemas.errors import InputError, RecipeError
from schemas.work import Prepared

Int = npt.NDArray[np.int64]
FOLDER = "known"
ANCHORS = pa.schema(
    [
        ("key", pa.uint64()),
        ("row", pa.uint32()),
        ("place", pa.uint32()),
        ("after", pa.uint16()),
        ("before", pa.uint16()),
    ]
)
"""``curation.dedup.anchors.Anchors``, sorted by key."""
TEXTS = pa.schema([("id", pa.string()), ("text", pa.large_string())])
SETTING = b"syllabus.substrings.min_bytes"
ROW_GROUP = 1 << 16


@dataclass(frozen=True)
class Known:
    """A table of texts of a release, and one of their anchors."""

    release: str
    texts: str
    anchors: str


def write(part: Prepared, rows: Int, anchors: pa.Table, min_bytes: int, folder: str, number: int) -> None:
    """Keep the texts of a partition's scheduled rows with the release. part: with the texts as they were before the cut; anchors:
    of the partition, sorted by key."""
    with storage.parquet_writer(_texts(folder, number), TEXTS, dictionary=False, checksums=True) as writer:
        for _, table in storage.chosen_rows(part.documents_path, rows, TEXTS.names):
            writer.write_table(table.cast(TEXTS))
    of = anchors["row"].to_numpy().astype(np.int64)
    at = np.searchsorted(rows, of)
    there = np.flatnonzero(rows[np.minimum(at, len(rows) - 1)] == of) if len(rows) else np.zeros(0, dtype=np.int64)
    mine = anchors.take(pa.array(there))
    mine = mine.set_column(1, "row", pa.array(at[there].astype(np.uint32)))
    schema = ANCHORS.with_metadata({SETTING: str(min_bytes).encode()})
    with storage.parquet_writer(_anchors(folder, number), schema, dictionary=False, checksums=True) as writer:
        if len(mine):  # a row group of no rows has no range
            writer.write_table(mine.cast(schema), ROW_GROUP)


def _texts(release: str, number: int) -> str:
    return storage.join(release, FOLDER, f"{number:05d}.texts.parquet")


def _anchors(release: str, number: int) -> str:
    return storage.join(release, FOLDER, f"{number:05d}.anchors.parquet")


def of_releases(home: Home, releases: Sequence[str], min_bytes: int) -> list[Known]:
    """All tables of these releases, oldest first. Raises RecipeError where they were made for windows of other sizes, InputError
    for one that cannot be read."""
    found = []
    for release in releases:
        for name in storage.list_folder(home.path(release, FOLDER)):
            if not name.endswith(".anchors.parquet"):
                continue
            path = home.path(release, FOLDER, name)
            try:
                with storage.open_parquet(path) as file:
                    made = int((file.schema_arrow.metadata or {}).get(SETTING, b"0"))
            except (pa.ArrowException, OSError, ValueError) as error:
                raise _unreadable(path, release, error) from None
            if made != min_bytes:
                raise RecipeError(
                    "dedup.substrings.min_bytes",
                    f"release {release} was made with {made}, this recipe has {min_bytes}; keep the setting, choose another "
                    f"name, or leave the release out: syllabus history RECIPE --forget {release}",
                )
            found.append(Known(release, path.replace(".anchors.", ".texts."), path))
    return found


def anchors_among(known: Known, keys: npt.NDArray[np.uint64], place: int, ranges: int) -> pa.Table:
    """The anchors of a range that have one of these keys, sorted: the ANCHORS table. Raises InputError."""
    tables = [ANCHORS.empty_table()]
    try:
        with storage.open_parquet(known.anchors, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                statistics = file.metadata.row_group(group).column(0).statistics
                low, high = range_of_keys(np.array([statistics.min, statistics.max], dtype=np.uint64), ranges).tolist()
                if not low <= place <= high or not len(keys):
                    continue
                table = file.read_row_group(group, use_threads=False)
                mine = table["key"].to_numpy()
                at = np.minimum(np.searchsorted(keys, mine), len(keys) - 1)
                tables.append(table.take(pa.array(np.flatnonzero(keys[at] == mine))).cast(ANCHORS))
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(known.anchors, known.release, error) from None
    return pa.concat_tables(tables)


def texts(known: Known, rows: Int, columns: Sequence[str] = ("text",)) -> list[pa.Table]:
    """Columns of sorted rows, a table a row group that holds some. Raises InputError."""
    try:
        return [
            table for _, table in storage.chosen_rows(known.texts, rows, list(columns), page_checksum_verification=True)
        ]
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(known.texts, known.release, error) from None


def _unreadable(path: str, release: str, error: Exception) -> InputError:
    return InputError(
        path,
        f"this part of the history cannot be read ({str(error).splitlines()[0][:120]}); put it back from a copy, or let the "
        f"stream go on without it: syllabus history RECIPE --forget {release}",
    )
