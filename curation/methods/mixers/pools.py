"""Weights of pools of groups (FoMo-in-Flux: pre-training, update, buffer; draws within a pool are by document)."""

from __future__ import annotations

import numpy as np

from curation.methods.mixers.types import MixContext, Sizes, Weights, check_labels, check_sum, normalised
from schemas.errors import RecipeError
from schemas.mixers import Pools


def pools(sizes: Sizes, params: Pools, context: MixContext) -> Weights:
    """Weights float64[g].

    Raises RecipeError for weights that do not sum to 1, a pool without a weight or the reverse, a label that no document
    has, one that stands in two pools, and where every pool with a weight is empty.
    """
    check_sum(params.weights.values(), f"{context.place}.weights")
    if params.weights.keys() != params.pools.keys():
        odd = sorted(params.weights.keys() ^ params.pools.keys())[0]
        raise RecipeError(f"{context.place}.weights", f"the pool {odd!r} needs both labels and a weight")
    named = [label for labels in params.pools.values() for label in labels]
    check_labels(sizes, named, params.grouping, f"{context.place}.pools")
    if len(set(named)) < len(named):
        raise RecipeError(f"{context.place}.pools", "a label stands in two pools")
    result = np.zeros(len(sizes.labels))
    for pool, labels in params.pools.items():
        mine = np.isin(sizes.labels, labels)
        held = sizes.held[mine].sum()
        if held:
            result[mine] = params.weights[pool] * sizes.held[mine] / held
    if not result.sum():
        raise RecipeError(f"{context.place}.pools", "every pool with a weight is without documents")
    return normalised(result)
