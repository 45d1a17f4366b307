"""Scorers: document to number. One file a method; ``FUNCTIONS`` is the registry."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.arrays import kmeans
from curation.methods.pool_wide import PoolWide
from curation.methods.scorers.auto_cot import auto_cot
from curation.methods.scorers.cluster_distance import cluster_distance
from curation.methods.scorers.combined import combined
from curation.methods.scorers.combined import fit as fit_ranks
from curation.methods.scorers.combined import merge as merge_ranks
from curation.methods.scorers.combined import partial as partial_ranks
from curation.methods.scorers.compression import compression
from curation.methods.scorers.count import count
from curation.methods.scorers.cyclical import cyclical
from curation.methods.scorers.difference import difference
from curation.methods.scorers.dsir import dsir
from curation.methods.scorers.dsir import fit as fit_ratios
from curation.methods.scorers.dsir import merge as merge_counts
from curation.methods.scorers.dsir import partial as partial_counts
from curation.methods.scorers.neighbour_agreement import fit as fit_neighbours
from curation.methods.scorers.neighbour_agreement import merge as merge_neighbours
from curation.methods.scorers.neighbour_agreement import neighbour_agreement
from curation.methods.scorers.neighbour_agreement import partial as partial_neighbours
from curation.methods.scorers.ngram_overlap import ngram_overlap
from curation.methods.scorers.number import number
from curation.methods.scorers.perplexity import perplexity
from curation.methods.scorers.reduce import reduce
from curation.methods.scorers.salt import salt
from curation.methods.scorers.signal import signal
from curation.methods.scorers.statistic import statistic
from curation.methods.scorers.table import table
from curation.methods.scorers.tokens import tokens
from schemas import scorers as models

FUNCTIONS: dict[type, Callable[..., npt.NDArray[np.float64]]] = {
    models.AutoCot: auto_cot,
    models.ClusterDistance: cluster_distance,
    models.Combined: combined,
    models.Compression: compression,
    models.Count: count,
    models.Cyclical: cyclical,
    models.Difference: difference,
    models.Dsir: dsir,
    models.NeighbourAgreement: neighbour_agreement,
    models.NgramOverlap: ngram_overlap,
    models.Number: number,
    models.Perplexity: perplexity,
    models.Reduce: reduce,
    models.Salt: salt,
    models.Signal: signal,
    models.Statistic: statistic,
    models.Table: table,
    models.Tokens: tokens,
}
"""(documents, params) to float64[n]; NaN is no score."""

POOL_WIDE: dict[type, PoolWide] = {
    models.ClusterDistance: PoolWide(kmeans.partial, kmeans.merge, kmeans.fit, cluster_distance),
    models.Combined: PoolWide(partial_ranks, merge_ranks, fit_ranks, combined),
    models.Dsir: PoolWide(partial_counts, merge_counts, fit_ratios, dsir),
    models.NeighbourAgreement: PoolWide(partial_neighbours, merge_neighbours, fit_neighbours, neighbour_agreement),
}
"""Those of ``FUNCTIONS`` that need the whole pool first: they take the fitted state besides."""


def score(
    documents: pa.Table, params: models.Scorer, *, state: pa.Table | None = None, place: str = "tags"
) -> npt.NDArray[np.float64]:
    """The scores of a batch of documents: float64[n], NaN for none.

    state: what ``POOL_WIDE[type(params)].fit`` gave. Raises RecipeError at ``place``.
    """
    function = FUNCTIONS[type(params)]
    extra: dict[str, Any] = {"place": place} if "place" in inspect.signature(function).parameters else {}
    if type(params) in POOL_WIDE:
        extra["state"] = state
    return function(documents, params, **extra)
