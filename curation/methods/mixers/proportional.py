"""Proportional mixture: p_i = n_i / Σ n, tokens or, where the budget is in records, documents."""

from __future__ import annotations

from curation.methods.mixers.types import MixContext, Sizes, Weights, proportions
from schemas.mixers import Proportional


def proportional(sizes: Sizes, params: Proportional, context: MixContext) -> Weights:
    """Weights float64[g] in the groups' natural proportions."""
    return proportions(sizes)
