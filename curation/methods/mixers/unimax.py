"""UniMax: uniform over the budget, but no group more than N epochs (Chung et al. 2023, Algorithm 1)."""

from __future__ import annotations

import numpy as np

from curation.methods.mixers.types import MixContext, Sizes, Weights, normalised
from schemas.mixers import UniMax


def unimax(sizes: Sizes, params: UniMax, context: MixContext) -> Weights:
    """Weights float64[g]. Where every group is capped they are N epochs of each: the budget cannot be met."""
    return normalised(budgets(sizes.held.astype(np.float64), context.budget, params.epochs))


def budgets(held: Weights, budget: float, epochs: float) -> Weights:
    """What each group gives, float64[g]: groups by size, ascending (ties by label), each gets the fair share of what is left,
    at most ``epochs`` passes; their sum is below ``budget`` where all are capped."""
    given = np.zeros(len(held))
    rest = min(budget, float(held.sum() * epochs))
    for done, group in enumerate(np.argsort(held, kind="stable")):
        given[group] = min(rest / (len(held) - done), held[group] * epochs)
        rest -= given[group]
    return given
