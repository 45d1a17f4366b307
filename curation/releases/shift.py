"""What duplicates take from each source and group: the mixture before deduplication and after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation import storage
from curation.dedup.rows import rows_by_partition
from curation.mixture.pool import encode, label_texts
from curation.releases.work import Work
from schemas.work import Prepared

STAGES = ("exact", "minhash")
OF_THE_POOL = {"tokens", "copies"}
"""Names that have a value for what is left alone, and none for what was dropped."""


def of_work(work: Work, groups: set[str]) -> list[dict[str, Any]]:
    """What duplicates took from each source and each group of these names, once all is tagged."""
    dedup = work.recipe.dedup
    if not dedup.exact_kinds and not dedup.drops_alike:
        return []
    tags = [work.path("tags", number) for number in work.numbers]
    names = ["source", *sorted(groups - {"source"} - OF_THE_POOL)]
    return shift_by_group(work.parts, work.of_source, tags, names, work.all_decided(before="paragraphs"))


def shift_by_group(
    parts: Sequence[Prepared], sources: Sequence[str], tags: Sequence[str], names: Sequence[str], decided: pa.Table
) -> list[dict[str, Any]]:
    """Documents and bytes of text before and after, a row a label of each name, labels sorted.

    sources: each partition's. tags: each partition's table of tags, row-aligned with its documents. names: "source", tags and
    columns of the documents. decided: only what the stages *exact* and *minhash* dropped counts.
    """
    mine = decided.filter(pc.is_in(decided["stage"], pa.array(STAGES)))
    gone = rows_by_partition(mine, len(parts))
    found: dict[tuple[int, str], npt.NDArray[np.int64]] = {}
    for part, source, place, dropped in zip(parts, sources, tags, gone, strict=True):
        if not part.kept:
            continue
        with storage.open_parquet(part.signatures_path) as file:
            sizes = file.read(columns=["bytes"])[0].to_numpy()
        left = np.ones(part.kept, dtype=bool)
        left[dropped] = False
        for number, name in enumerate(names):
            labels = encode(labels_of(part, source, place, name)).with_none()
            weighed = (None, sizes, left, sizes * left)
            counts = np.stack([np.bincount(labels.codes, weights, len(labels.names)) for weights in weighed])
            for code in np.flatnonzero(counts[0]):
                total = found.setdefault((number, labels.names[code]), np.zeros(4, dtype=np.int64))
                total += counts[:, code].astype(np.int64)
    columns = ("documents_before", "bytes_before", "documents_after", "bytes_after")
    return [
        {"by": names[number], "label": label, **dict(zip(columns, total.tolist(), strict=True))}
        for (number, label), total in sorted(found.items(), key=lambda entry: entry[0])
    ]


def labels_of(part: Prepared, source: str, tags: str, name: str) -> pa.ChunkedArray:
    """A partition's labels: strings, null for none."""
    if name == "source":
        return pa.chunked_array([pa.array([source] * part.kept, pa.string())])
    with storage.open_parquet(tags) as file:
        if name in file.schema_arrow.names:
            column = file.read(columns=[name])[0]
        else:
            with storage.open_parquet(part.documents_path) as documents:
                column = documents.read(columns=[name])[0]
    return label_texts(column)
