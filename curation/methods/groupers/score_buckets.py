"""Levels of a score with equal numbers of documents, over the whole pool.

Source: AlignGPT (Zhao et al. 2024) turns similarity into levels 1 … N; that buckets have equal frequency is our
reading. Edges are the pool's quantiles k/N, linear between neighbours; a score on an edge belongs to the level above.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.methods.scorers.named import named_numbers
from schemas.errors import RecipeError
from schemas.groupers import ScoreBuckets


def partial(documents: pa.Table, params: ScoreBuckets, *, seed: int) -> pa.Table:
    """The scores of a batch: 8 bytes a document that has one."""
    scores = named_numbers(documents, params.by)
    return pa.table({"score": scores[~np.isnan(scores)]})


def merge(partials: list[pa.Table], params: ScoreBuckets) -> pa.Table:
    """All scores, ascending."""
    return pa.concat_tables(partials).sort_by("score")


def fit(partials: pa.Table, params: ScoreBuckets, *, seed: int, place: str) -> pa.Table:
    """The edges: float64[buckets - 1]. Raises RecipeError where no document has a score."""
    if params.edges is not None:
        return pa.table({"edge": pa.array(params.edges, pa.float64())})
    if not len(partials):
        raise RecipeError(f"{place}.by", f"no document has a number {params.by!r}")
    return pa.table({"edge": edges_of(partials["score"].to_numpy(), params.buckets)})


def edges_of(scores: npt.NDArray[np.float64], buckets: int) -> npt.NDArray[np.float64]:
    """The quantiles 1/N … (N - 1)/N of the scores: float64[N - 1]."""
    return np.quantile(scores, np.arange(1, buckets) / buckets)


def score_buckets(documents: pa.Table, params: ScoreBuckets, state: pa.Table) -> pa.Array:
    """Levels ``1`` (lowest) to ``N``, padded so that they sort: string[n], null without a score."""
    edges = state["edge"].to_numpy()
    scores = named_numbers(documents, params.by)
    levels = np.searchsorted(edges, scores, side="right")
    return level_names(len(edges) + 1).take(pa.array(levels, mask=np.isnan(scores)))


def level_names(levels: int) -> pa.Array:
    """Their labels, 1 to ``levels``, padded so that they sort: string[levels]."""
    width = len(str(levels))
    return pa.array([f"{i + 1:0{width}d}" for i in range(levels)], pa.string())
