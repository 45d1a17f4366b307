"""How many documents each one stands for: itself, and the exact and near copies that were dropped for it, in all releases.

``copies/<number>.arrow`` in the work folder has the documents of a partition that stand for several (stage *copies*). A release of a
stream says in ``copies/00000.parquet`` of which documents of earlier releases it dropped copies, and how many they stand for in all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from curation import storage
from curation.releases.home import Home
from curation.releases.work import Work

Int = npt.NDArray[np.int64]
COPIES = pa.schema([("index", pa.int64()), ("copies", pa.int64())])
"""Documents of a partition that stand for more than themselves."""
CLUSTER = pa.schema([("index", pa.int64()), ("cluster", pa.string())])
"""Documents of a partition that went for others, and the id of the one that stays in the end."""
EARLIER = pa.schema([("id", pa.string()), ("release", pa.string()), ("added", pa.int64()), ("copies", pa.int64())])
"""``copies/*.parquet`` of a release: a document that an earlier release kept, the release, and the copies that this one dropped; then
how many documents it stands for in all releases so far."""
FOLDER = "copies"


def copies_of(work: Work, number: int) -> Int:
    """How many documents each one of a partition stands for: int64[rows of its documents table]."""
    found = np.ones(work.prepared(number).kept, dtype=np.int64)
    path = work.path("copies", number, "arrow")
    if storage.exists(path):
        table = storage.read_arrow(path)
        found[table["index"].to_numpy()] = table["copies"].to_numpy()
    return found


def earlier(home: Home, kept: Sequence[tuple[str, str, int]]) -> pa.Table:
    """What documents of earlier releases stand for in all: the EARLIER table, by id. kept: (id, the release that keeps it, copies that are
    new) of each."""
    frame = pl.DataFrame(kept, schema=["id", "release", "added"], orient="row", schema_overrides={"added": pl.Int64})
    frame = frame.group_by("id", "release").agg(pl.col("added").sum())
    total: dict[str, int] = dict.fromkeys(frame["id"], 1)
    for release in frame["release"].unique().sort():
        mine = set(frame.filter(pl.col("release") == release)["id"])
        total |= {one: copies for one, copies in _in_pool(home, release) if one in mine}
    for release in home.releases():
        for table in _tables(home.path(release, FOLDER)):
            for one, added in table.select("id", "added").iter_rows():
                if one in total:
                    total[one] += added
    made = frame.with_columns(copies=pl.col("added") + pl.col("id").replace_strict(total, return_dtype=pl.Int64))
    return made.sort("id").select(EARLIER.names).to_arrow().cast(EARLIER)


def _in_pool(home: Home, release: str) -> Iterator[tuple[str, int]]:
    """The documents of a release that stood for several when it was made."""
    for table in _tables(home.path(release, "pool"), ["id", "copies"]):
        for one, copies in table.filter(pl.col("copies") > 1).iter_rows():
            yield one.hex(), copies


def _tables(folder: str, columns: list[str] | None = None) -> Iterator[pl.DataFrame]:
    for name in storage.list_folder(folder):
        with storage.open_parquet(storage.join(folder, name)) as file:
            if columns is None or set(columns) <= set(file.schema_arrow.names):
                frame = pl.from_arrow(file.read(columns=columns))
                assert isinstance(frame, pl.DataFrame)
                yield frame


def stands_for(release: str, ids: Sequence[str]) -> int | None:
    """How many documents the one with one of these ids stands for, as a release says; None where it is not among its own."""
    for table in _tables(storage.join(release, "pool"), ["id", "copies"]):
        mine = table.filter(pl.col("id").is_in([bytes.fromhex(one) for one in ids]))
        if len(mine):
            return int(mine["copies"][0])
    for table in _tables(storage.join(release, FOLDER)):
        mine = table.filter(pl.col("id").is_in(ids))
        if len(mine):
            return int(mine["copies"][0])
    return None
