"""Semantic duplicates over all partitions (SemDeDup), in the ledger under the stage *minhash*.

Held at once: per document its cluster and its similarity to the centre (12 bytes); the vectors of as many whole clusters
as fit ``VECTOR_BYTES``, for which the column of embeddings is read again.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import storage
from curation.arrays import kmeans
from curation.dedup import semantic
from curation.dedup.rows import alive_rows, decisions, ids_of, rows_by_partition
from curation.releases.work import Done, Work
from schemas.dedup import Semantic
from schemas.tables import DECIDED
from schemas.work import Prepared

Int = npt.NDArray[np.int64]
STAGE, RULE = "minhash", "semantic_duplicate"
VECTOR_BYTES = 512_000_000


def run(work: Work, _: int) -> Done:
    """Semantic duplicates of all partitions."""
    params = work.recipe.dedup.semantic
    if params is None:
        return Done({"dropped": 0})
    gone = rows_by_partition(work.all_decided(before="semantic"), len(work.partitions))
    decided = drop_alike(work.parts, gone, params, seed=work.recipe.seed)
    return Done({"dropped": len(decided)}, work.decide_all("semantic", decided))


def drop_alike(parts: list[Prepared], gone: list[Int], params: Semantic, *, seed: int) -> pa.Table:
    """What is dropped, and for which document: the DECIDED table. Documents without a vector take no part.

    gone: for each partition the rows that earlier stages dropped, sorted. Raises RecipeError for vectors of different
    lengths, or fewer different ones than clusters.
    """
    starts, alive = alive_rows(parts, gone)
    samples = [kmeans.partial(batch, params, seed=seed) for _, batch in _batches(parts, starts, alive, params)]
    if not samples:
        return DECIDED.empty_table()
    merged = kmeans.merge(samples, params)
    centres = kmeans.centres_of(kmeans.fit(merged, params, seed=seed, place="dedup.semantic"))
    cluster, closeness = np.full(len(alive), -1, dtype=np.int32), np.zeros(len(alive))
    for rows, vectors in _vectors(parts, starts, alive, params):
        which, _ = kmeans.nearest(vectors, centres)
        cluster[rows] = which
        # A row's product with its own centre: the same for any batch. Rounded: equal distances stay equal.
        closeness[rows] = np.round((_unit(vectors) * _unit(centres)[which]).sum(axis=1), 9)
    kept, value = np.arange(len(alive)), np.ones(len(alive))
    nearer = 1.0 if params.keep == "far" else -1.0
    width = centres.shape[1]
    for some in _shares(np.bincount(cluster[cluster >= 0], minlength=len(centres)), width):
        chosen = (cluster >= some[0]) & (cluster <= some[-1])
        held = np.flatnonzero(chosen)
        matrix = np.empty((len(held), width))
        for rows, vectors in _vectors(parts, starts, chosen, params):
            matrix[np.searchsorted(held, rows)] = _unit(vectors)
        for number in some:
            mine = np.flatnonzero(cluster[held] == number)
            mine = mine[np.lexsort((held[mine], nearer * closeness[held[mine]]))]
            lead, alike = semantic.leads(matrix[mine], params.min_similarity)
            kept[held[mine]], value[held[mine]] = held[mine[lead]], alike
    dropped = np.flatnonzero(kept != np.arange(len(alive)))
    return decisions(dropped, kept, starts, ids_of(parts), STAGE, RULE, value[dropped], params.min_similarity)


def _batches(
    parts: list[Prepared], starts: Int, alive: npt.NDArray[np.bool_], params: Semantic
) -> Iterator[tuple[Int, pa.Table]]:
    """Rows that are alive, and their table of id and embedding, a row group at a time."""
    columns = ["id", f"column:{params.embedding}"]
    for number, part in enumerate(parts):
        low = starts[number]
        mine = np.flatnonzero(alive[low : starts[number + 1]])
        for rows, table in storage.chosen_rows(part.documents_path, mine, columns):
            yield low + rows, table


def _vectors(
    parts: list[Prepared], starts: Int, alive: npt.NDArray[np.bool_], params: Semantic
) -> Iterator[tuple[Int, npt.NDArray[np.float64]]]:
    """Rows that have a vector, and their vectors: int64[n], float64[n, width]."""
    for rows, batch in _batches(parts, starts, alive, params):
        mine, vectors = kmeans.vectors_of(batch, params)
        if len(mine):
            yield rows[mine], vectors


def _unit(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: npt.NDArray[np.float64] = vectors / np.where(norms > 0, norms, 1.0)
    return unit


def _shares(sizes: Int, width: int) -> Iterator[Int]:
    """Runs of clusters whose vectors fit into VECTOR_BYTES together; a larger one alone."""
    first, held = 0, 0
    for number, size in enumerate(sizes):
        if held and (held + size) * width * 8 > VECTOR_BYTES:
            yield np.arange(first, number)
            first, held = number, 0
        held += int(size)
    yield np.arange(first, len(sizes))
