"""The share of a document's nearest neighbours that have its label: low where a label is wrong.

Source: LOOK (leave-one-out k nearest neighbours): a document is judged by the k others whose embeddings are nearest by cosine.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation import seeds
from curation.arrays import kmeans
from curation.arrays.document_ids import id_words
from schemas.errors import RecipeError
from schemas.scorers import NeighbourAgreement

_BLOCK_BYTES = 64_000_000


def partial(documents: pa.Table, params: NeighbourAgreement, *, seed: int) -> pa.Table:
    """Keys, vectors and labels of the batch's part of those that can be neighbours: at most ``params.sample`` rows of the least keys."""
    rows, vectors = kmeans.vectors_of(documents, params)
    labels = _labels(documents, params).take(pa.array(rows))
    there = np.flatnonzero(pc.is_valid(labels).to_numpy(zero_copy_only=False))
    key = _keys(documents, params, rows)
    chosen = there[np.argsort(key[there], kind="stable")[: params.sample]]
    label = labels.take(pa.array(chosen, pa.int64()))
    return pa.table({"key": key[chosen], "vector": kmeans.lists_of(vectors[chosen]), "label": label})


def merge(partials: list[pa.Table], params: NeighbourAgreement) -> pa.Table:
    """The rows with the least keys of several: at most ``params.sample``. Equal keys are equal documents."""
    whole = pa.concat_tables([part for part in partials if len(part)] or partials[:1])
    return whole.sort_by([("key", "ascending"), ("label", "ascending")]).slice(0, params.sample).combine_chunks()


def fit(partials: pa.Table, params: NeighbourAgreement, *, seed: int, place: str) -> pa.Table:
    """The same table. Raises RecipeError for vectors of different lengths, or fewer documents than neighbours."""
    widths = pc.unique(pc.list_value_length(partials["vector"])).to_pylist()
    if len(widths) > 1:
        raise RecipeError(
            f"{place}.embedding", f"column {params.embedding!r} holds vectors of lengths {sorted(widths)[:5]}"
        )
    if len(partials) <= params.k:
        raise RecipeError(
            f"{place}.k", f"{params.k} neighbours need more than the {len(partials)} documents with vector and label"
        )
    return partials


def neighbour_agreement(documents: pa.Table, params: NeighbourAgreement, state: pa.Table) -> npt.NDArray[np.float64]:
    """float64[n] from 0 to 1; NaN without a vector or a label. Where several are equally near, each counts as much."""
    rows, vectors = kmeans.vectors_of(documents, params)
    result = np.full(len(documents), np.nan)
    labels = _labels(documents, params).take(pa.array(rows))
    there = np.flatnonzero(pc.is_valid(labels).to_numpy(zero_copy_only=False))
    if not len(there):
        return result
    others = kmeans.matrix_of(state["vector"])
    names = pc.unique(state["label"]).to_pylist()
    place = {name: number for number, name in enumerate(names)}
    of_others = np.array([place[one] for one in state["label"].to_pylist()])
    mine = np.array([place.get(one, -1) for one in labels.take(pa.array(there)).to_pylist()])
    key, keys = _keys(documents, params, rows)[there], state["key"].to_numpy()
    block = max(1, _BLOCK_BYTES // (8 * len(others)))
    for start in range(0, len(there), block):
        part = slice(start, start + block)
        near = vectors[there[part]] @ others.T
        near[key[part, None] == keys[None, :]] = -np.inf
        least = -np.partition(-near, params.k - 1, axis=1)[:, params.k - 1 : params.k]
        above, level = near > least, near == least
        same = of_others[None, :] == mine[part, None]
        left = params.k - above.sum(axis=1)
        result[rows[there[part]]] = (
            (above & same).sum(axis=1) + left * (level & same).sum(axis=1) / level.sum(axis=1)
        ) / params.k
    return result


def _labels(documents: pa.Table, params: NeighbourAgreement) -> pa.Array:
    name = f"column:{params.label}"
    if name not in documents.column_names:
        return pa.nulls(len(documents), pa.string())
    return documents[name].combine_chunks().cast(pa.string())


def _keys(documents: pa.Table, params: NeighbourAgreement, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    return seeds.keys(0, "neighbours", params.embedding, ids=id_words(documents["id"])[rows])
