"""How often earlier releases of a recipe trained on each document: from the ids in their shards."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from curation import storage
from curation.arrays.document_ids import id_words
from curation.releases.home import Home


def drawn_before(home: Home, ids: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
    """Rows of all complete releases with each of these ids, uint64[n, 2]: int32[n]. A shard's ids are held at a time."""
    order = np.argsort(ids[:, 0], kind="stable")
    first, second = ids[order, 0], ids[order, 1]
    counts = np.zeros(len(ids), dtype=np.int32)
    for release in home.releases():
        for shard in home.manifest(release)["shards"]:
            found = _ids_of(home.path(release, shard["path"]))
            at = np.searchsorted(first, found[:, 0])
            at = np.minimum(at, len(first) - 1)
            there = (first[at] == found[:, 0]) & (second[at] == found[:, 1])
            counts += np.bincount(order[at[there]], minlength=len(ids)).astype(np.int32)
    return counts


def _ids_of(shard: str) -> npt.NDArray[np.uint64]:
    """The documents of a shard, packed or not, one a row that it has there: uint64[n, 2]."""
    with storage.open_parquet(shard) as file:
        name = "doc_ids" if "doc_ids" in file.schema_arrow.names else "id"
        column = file.read(columns=[name], use_threads=False)[name]
    texts = pc.list_flatten(column) if name == "doc_ids" else column
    return id_words(texts)
