"""The documents left, before any phase draws of them: languages, domains, token lengths, quality. From ``pool/``."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa

from curation import storage
from curation.methods.groupers.url import url as url_part
from curation.releases.report.charts import bars, histogram
from curation.releases.report.page import folded, table
from schemas.groupers import Url

SHOWN = 20
QUALITY_BINS = 40
COPIES = (1, 2, 3, 4, 10, 100, 1000)
"""Where a bin of copies begins: FineWeb-2's steps."""


def languages(folder: str) -> str:
    """Documents left by language; nothing where language was not asked for."""
    counts = _counted(folder, "pool", "language")
    return bars(counts.most_common(SHOWN), label="Documents by language") if counts else ""


def domains(manifest: dict[str, Any], folder: str) -> str:
    """Rows of the shards by registered domain; nothing where no document has a URL."""
    counts: Counter[str] = Counter()
    for shard in manifest["shards"]:
        with storage.open_parquet(storage.join(folder, shard["path"])) as file:
            if "url" not in file.schema_arrow.names:
                return ""
            for group in range(file.num_row_groups):
                urls = file.read_row_group(group, columns=["url"])
                if urls["url"].null_count < len(urls):
                    _count(counts, url_part(urls, Url(**{"from": "url"})))
    if not counts:
        return ""
    picture = bars(counts.most_common(SHOWN), label="Rows by registered domain", value="rows")
    return f"<p>{len(counts):,} registered domains; the largest:</p>{picture}"


def token_lengths(manifest: dict[str, Any], folder: str) -> str:
    """How long the documents left are, in bins of powers of two."""
    counts = np.zeros(40, dtype=np.int64)
    for column in _column(folder, "tokens"):
        found = column.drop_null().to_numpy().astype(np.int64)
        counts += np.bincount(np.log2(np.maximum(found, 1)).astype(np.int64), minlength=40)[:40]
    if not counts.any():
        return ""
    first, last = int(np.flatnonzero(counts)[0]), int(np.flatnonzero(counts)[-1])
    edges = [float(2**i) for i in range(first, last + 2)]
    picture = histogram(
        edges,
        counts[first : last + 1].tolist(),
        label="Documents by tokens",
        log=True,
        width=680,
        height=140,
        numbers=False,
    )
    rows = [[f"{2**i:,} to {2 ** (i + 1) - 1:,}", int(counts[i])] for i in range(first, last + 1)]
    return picture + folded("as a table", table(["tokens", "documents"], rows))


def copies(folder: str) -> str:
    """How many documents as read each document left stands for; nothing where each stands for itself."""
    documents, tokens = (np.zeros(len(COPIES), dtype=np.int64) for _ in range(2))
    for copies_of, tokens_of in zip(_column(folder, "copies"), _column(folder, "tokens"), strict=False):
        bins = np.searchsorted(COPIES, copies_of.to_numpy(), side="right") - 1
        documents += np.bincount(bins, minlength=len(COPIES))
        tokens += np.bincount(bins, weights=tokens_of.to_numpy(), minlength=len(COPIES)).astype(np.int64)
    if not documents[1:].any():
        return ""
    names = [f"{low:,}" if high == low + 1 else f"{low:,} to {high - 1:,}" for low, high in itertools.pairwise(COPIES)]
    names.append(f"{COPIES[-1]:,} and more")
    rows = [[name, int(n), int(t)] for name, n, t in zip(names, documents, tokens, strict=True) if n]
    picture = bars([(name, int(n)) for name, n in zip(names, documents, strict=True) if n], label="Documents by copies")
    return picture + folded("as a table", table(["copies", "documents", "tokens"], rows))


def quality(manifest: dict[str, Any], folder: str) -> str:
    """The classifier's scores of the documents left; nothing without a classifier."""
    classifier = manifest["recipe"]["clean"]["classifier"]
    if classifier is None:
        return ""
    columns = [column.drop_null().to_numpy() for column in _column(folder, "quality")]
    values = np.concatenate([np.zeros(0, dtype=np.float32), *columns])
    if not len(values):
        return ""
    counts, edges = np.histogram(values, bins=QUALITY_BINS, range=(0.0, max(1.0, float(values.max()))))
    bound = classifier.get("min_score")
    return histogram(edges.tolist(), counts.tolist(), label="Documents by quality", bound=bound, width=680, height=140)


def _counted(folder: str, table: str, column: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for values in _column(folder, column):
        _count(counts, values)
    return counts


def _count(counts: Counter[str], values: pa.Array | pa.ChunkedArray) -> None:
    for row in values.value_counts().to_pylist():
        if row["values"] is not None:
            counts[row["values"]] += row["counts"]


def _column(folder: str, name: str) -> list[pa.ChunkedArray]:
    """A column of the pool, a file at a time; none where it has no such column."""
    place = storage.join(folder, "pool")
    found = []
    for file_name in storage.list_folder(place):
        with storage.open_parquet(storage.join(place, file_name)) as file:
            if name in file.schema_arrow.names:
                found.append(file.read(columns=[name])[0])
    return found
