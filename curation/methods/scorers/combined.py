"""Several scores as one: ranks in the pool, their greatest or their mean.

Source: Nemotron-CC (Su et al. 2024), section 2.2.1: each classifier's rank in 20 steps, a document's step is the greatest (which is
the step of the greatest rank); QuaDMix (Liu et al. 2025), section 3.1: a weighted mean of ranks. A rank is the share of documents
with a lower score, those of the same score counted half; to a ten-thousandth.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.methods.scorers.named import named_numbers
from schemas.errors import RecipeError
from schemas.scorers import Combined

POINTS = 10_001
"""Quantiles of each score that are kept: what every task is told does not grow with the pool."""


def partial(documents: pa.Table, params: Combined, *, seed: int) -> pa.Table:
    """The scores of a batch: 8 bytes a document and score, with the number of the score."""
    found = [named_numbers(documents, name) for name in params.scores]
    found = [one[~np.isnan(one)] for one in found]
    number = np.repeat(np.arange(len(found), dtype=np.int16), [len(one) for one in found])
    return pa.table({"number": number, "score": np.concatenate(found)})


def merge(partials: list[pa.Table], params: Combined) -> pa.Table:
    """All scores, by number, ascending."""
    return pa.concat_tables(partials).sort_by([("number", "ascending"), ("score", "ascending")])


def fit(partials: pa.Table, params: Combined, *, seed: int, place: str) -> pa.Table:
    """Quantiles of each score: number, score and the ranks below and up to it. Raises RecipeError where no document has one."""
    number, score = partials["number"].to_numpy(), partials["score"].to_numpy()
    made: list[pa.Table] = []
    for one, name in enumerate(params.scores):
        mine = score[number == one]
        if not len(mine):
            raise RecipeError(f"{place}.scores", f"no document has a number {name!r}")
        at = np.unique(mine[np.round(np.linspace(0, len(mine) - 1, POINTS)).astype(np.int64)])
        below = np.searchsorted(mine, at, side="left") / len(mine)
        upto = np.searchsorted(mine, at, side="right") / len(mine)
        made.append(
            pa.table({"number": np.full(len(at), one, dtype=np.int16), "score": at, "rank": (below + upto) / 2})
        )
    return pa.concat_tables(made)


def combined(documents: pa.Table, params: Combined, state: pa.Table) -> npt.NDArray[np.float64]:
    """float64[n], with ranks from 0 to 1; NaN for a document without any of the scores, which else counts those it has."""
    number, score, rank = (state[name].to_numpy() for name in ("number", "score", "rank"))
    values = []
    for one, name in enumerate(params.scores):
        found = named_numbers(documents, name)
        if params.ranks:
            mine = number == one
            found = np.where(np.isnan(found), np.nan, np.interp(found, score[mine], rank[mine]))
        values.append(found)
    table = np.stack(values)
    there = ~np.isnan(table)
    if params.how == "max":
        return np.where(there.any(axis=0), np.where(there, table, -np.inf).max(axis=0), np.nan)
    weights = np.array(params.weights or [1.0] * len(table))[:, None] * there
    total = weights.sum(axis=0)
    return np.where(total > 0, (np.where(there, table, 0.0) * weights).sum(axis=0) / np.maximum(total, 1e-300), np.nan)
