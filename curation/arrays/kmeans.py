"""k-means over an embedding column: centres found on a sample of the pool, each document assigned to the nearest.

Source: Lloyd's algorithm from k-means++ starts (Arthur & Vassilvitskii 2007), as scikit-learn's ``KMeans``. The sample
is the documents with the smallest keys (seed, id): the same for any partitioning. Float sums depend on the BLAS, so
that the same software gives the same clusters, another build of it perhaps not for points half-way between centres.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation import seeds
from curation.arrays.document_ids import id_words
from schemas.errors import RecipeError
from schemas.groupers import KMeans

Matrix = npt.NDArray[np.float64]
_BLOCK_BYTES = 64_000_000


def partial(documents: pa.Table, params: KMeans, *, seed: int) -> pa.Table:
    """Keys and vectors of the batch's part of the sample: at most ``params.sample`` rows, those of the least keys."""
    rows, vectors = vectors_of(documents, params)
    key = seeds.keys(seed, "k-means sample", params.embedding, ids=id_words(documents["id"])[rows])
    chosen = np.argsort(key, kind="stable")[: params.sample]
    # Equal keys are equal ids: the vectors decide, so that the order of the partials does not.
    tie = (vectors[chosen] / np.arange(1, vectors.shape[1] + 1)).sum(axis=1)
    return pa.table({"key": key[chosen], "tie": tie, "vector": lists_of(vectors[chosen])})


def merge(partials: list[pa.Table], params: KMeans) -> pa.Table:
    """The rows with the least keys of several samples: at most ``params.sample``."""
    whole = pa.concat_tables([part for part in partials if len(part)] or partials[:1])
    order = np.lexsort((whole["tie"].to_numpy(), whole["key"].to_numpy()))
    return whole.take(pa.array(order[: params.sample], pa.int64())).combine_chunks()


def fit(partials: pa.Table, params: KMeans, *, seed: int, place: str) -> pa.Table:
    """Centres, the largest cluster first: column ``centre`` list<double>[k].

    Raises RecipeError for vectors of different lengths, or fewer different vectors than clusters.
    """
    widths = pc.unique(pc.list_value_length(partials["vector"])).to_pylist()
    widths = [w for w in widths if w]
    if len(widths) != 1:
        got = f"vectors of lengths {sorted(widths)[:5]}" if widths else "no vector in any document"
        raise RecipeError(f"{place}.embedding", f"column {params.embedding!r} holds {got}; all must have one length")
    points = matrix_of(partials["vector"])
    if len(np.unique(points, axis=0)) < params.clusters:
        found = len(np.unique(points, axis=0))
        raise RecipeError(f"{place}.clusters", f"got {params.clusters} clusters for {found} different vectors")
    best: tuple[float, Matrix] | None = None
    for start in range(params.starts):
        loss, centres = _lloyd(points, params, seeds.rng(seed, "k-means", params.embedding, start))
        if best is None or loss < best[0]:
            best = (loss, centres)
    assert best is not None
    centres = best[1]
    sizes = np.bincount(nearest(points, centres)[0], minlength=len(centres))
    centres = centres[np.lexsort((*reversed(centres.T[:8]), -sizes))]
    return pa.table({"centre": pa.array(centres.tolist(), pa.list_(pa.float64()))})


class Embedded(Protocol):
    """Settings that name an embedding column."""

    @property
    def embedding(self) -> str: ...
    @property
    def cosine(self) -> bool: ...


def vectors_of(documents: pa.Table, params: Embedded) -> tuple[npt.NDArray[np.int64], Matrix]:
    """Rows that have a vector int64[m], and their vectors float64[m, width], scaled to length 1 where cosine is asked.

    A vector of another length than the batch's first is left out here and named by ``fit``.
    """
    name = f"column:{params.embedding}"
    if name not in documents.column_names:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 0))
    column = documents[name].combine_chunks()
    widths = np.asarray(pc.fill_null(pc.list_value_length(column), 0))
    rows = np.flatnonzero(widths)
    if not len(rows):
        return rows, np.zeros((0, 0))
    width = widths[rows[0]]
    rows = rows[widths[rows] == width]
    matrix = matrix_of(column.take(pa.array(rows)))
    if params.cosine:
        norms = np.linalg.norm(matrix, axis=1, keepdims=True)
        matrix = matrix / np.where(norms > 0, norms, 1.0)
    return rows, matrix


def nearest(points: Matrix, centres: Matrix) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Index of the nearest centre, int64[n], and the Euclidean distance to it, float64[n]; ties go to the first."""
    which = np.empty(len(points), dtype=np.int64)
    block = max(1, _BLOCK_BYTES // (8 * len(centres)))
    norms = (centres**2).sum(axis=1)
    for start in range(0, len(points), block):
        part = points[start : start + block]
        which[start : start + block] = np.argmin(norms - 2 * (part @ centres.T), axis=1)
    # Distances from the difference itself: the expanded square loses digits near the centre.
    return which, np.sqrt(((points - centres[which]) ** 2).sum(axis=1))


def _lloyd(points: Matrix, params: KMeans, generator: np.random.Generator) -> tuple[float, Matrix]:
    centres = _plus_plus(points, params.clusters, generator)
    which, distance = nearest(points, centres)
    for _ in range(params.iterations):
        sizes = np.bincount(which, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, which, points)
        filled = sizes > 0
        centres = np.where(filled[:, None], sums / np.maximum(sizes, 1)[:, None], centres)
        if not filled.all():  # an empty cluster starts anew at the point that fits worst
            centres[~filled] = points[np.argsort(-distance, kind="stable")[: int((~filled).sum())]]
        again, distance = nearest(points, centres)
        if (again == which).all() and filled.all():
            break
        which = again
    return float((distance**2).sum()), centres


def _plus_plus(points: Matrix, clusters: int, generator: np.random.Generator) -> Matrix:
    chosen = [int(generator.integers(len(points)))]
    squared = ((points - points[chosen[0]]) ** 2).sum(axis=1)
    for _ in range(clusters - 1):
        reached = np.cumsum(squared)
        pick = int(np.searchsorted(reached, generator.random() * reached[-1], side="right"))
        chosen.append(min(pick, len(points) - 1))
        squared = np.minimum(squared, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
    return points[chosen].copy()


def centres_of(state: pa.Table) -> Matrix:
    """The centres of a fitted state: float64[k, width]."""
    return matrix_of(state["centre"])


def lists_of(vectors: Matrix) -> pa.ListArray:
    """Vectors as a column: list<float>[n]."""
    n, width = vectors.shape
    offsets = pa.array(np.arange(n + 1) * width, pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(vectors.astype(np.float32).reshape(-1)))


def matrix_of(lists: pa.Array | pa.ChunkedArray) -> Matrix:
    """A column of lists of one length as float64[n, width]."""
    lists = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    flat = np.asarray(lists.flatten().cast(pa.float64()))
    return flat.reshape(len(lists), -1) if len(lists) else np.zeros((0, 0))
