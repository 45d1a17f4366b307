"""Groupers: document to label. One file a method; ``FUNCTIONS`` is the registry."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from curation.arrays import kmeans
from curation.methods.groupers.clusters import clusters
from curation.methods.groupers.column import column
from curation.methods.groupers.constant import constant
from curation.methods.groupers.fasttext import fasttext
from curation.methods.groupers.items import items
from curation.methods.groupers.label_table import label_table
from curation.methods.groupers.length import length
from curation.methods.groupers.notebook import notebook
from curation.methods.groupers.quantile_steps import fit as fit_steps
from curation.methods.groupers.quantile_steps import merge as merge_steps
from curation.methods.groupers.quantile_steps import partial as partial_steps
from curation.methods.groupers.quantile_steps import quantile_steps
from curation.methods.groupers.regex import regex
from curation.methods.groupers.score_buckets import fit as fit_edges
from curation.methods.groupers.score_buckets import merge as merge_scores
from curation.methods.groupers.score_buckets import partial as partial_scores
from curation.methods.groupers.score_buckets import score_buckets
from curation.methods.groupers.skills import skills
from curation.methods.groupers.triples import triples
from curation.methods.groupers.url import url
from curation.methods.pool_wide import PoolWide
from schemas import groupers as models

FUNCTIONS: dict[type, Callable[..., pa.Array]] = {
    models.Clusters: clusters,
    models.Column: column,
    models.Constant: constant,
    models.FastText: fasttext,
    models.Items: items,
    models.LabelTable: label_table,
    models.Length: length,
    models.Notebook: notebook,
    models.QuantileSteps: quantile_steps,
    models.Regex: regex,
    models.ScoreBuckets: score_buckets,
    models.Skills: skills,
    models.Triples: triples,
    models.Url: url,
}
"""(documents, params) to string[n], or list<string>[n] where a document may have several labels; null is no label."""

POOL_WIDE: dict[type, PoolWide] = {
    models.Clusters: PoolWide(kmeans.partial, kmeans.merge, kmeans.fit, clusters),
    models.QuantileSteps: PoolWide(partial_steps, merge_steps, fit_steps, quantile_steps),
    models.ScoreBuckets: PoolWide(partial_scores, merge_scores, fit_edges, score_buckets),
}
"""Those of ``FUNCTIONS`` that need the whole pool first: they take the fitted state besides."""


def group(
    documents: pa.Table, params: models.Grouper, *, state: pa.Table | None = None, place: str = "tags"
) -> pa.Array:
    """The labels of a batch of documents: string[n] or list<string>[n]; null is no label.

    state: what ``POOL_WIDE[type(params)].fit`` gave. Raises RecipeError at ``place``.
    """
    function = FUNCTIONS[type(params)]
    extra: dict[str, Any] = {"place": place} if "place" in inspect.signature(function).parameters else {}
    if type(params) in POOL_WIDE:
        extra["state"] = state
    return function(documents, params, **extra)
