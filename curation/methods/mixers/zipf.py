"""Zipf mixture: p(k) ∝ k^(−α) over ranks (Reddy 2024; Chan et al. 2022, rank frequency of classes)."""

from __future__ import annotations

import numpy as np

from curation.methods.mixers.types import MixContext, Sizes, Weights, by_label, check_labels, normalised
from schemas.errors import RecipeError
from schemas.mixers import Zipf


def zipf(sizes: Sizes, params: Zipf, context: MixContext) -> Weights:
    """Weights float64[g]. Raises RecipeError for a rank that no document has, or that stands twice."""
    by_size = np.lexsort((np.arange(len(sizes.labels)), -sizes.held))
    ranks = [sizes.labels[i] for i in by_size] if params.ranks is None else params.ranks
    check_labels(sizes, ranks, params.grouping, f"{context.place}.ranks")
    if len(set(ranks)) < len(ranks):
        raise RecipeError(f"{context.place}.ranks", "a label stands twice")
    return by_label(sizes, dict(zip(ranks, of_ranks(len(ranks), params.exponent), strict=True)))


def of_ranks(count: int, exponent: float) -> Weights:
    """k^(−α) / Σ k^(−α) for k = 1 … count: float64[count]."""
    return normalised(np.arange(1, count + 1, dtype=np.float64) ** -exponent)
