"""Fixed mixture: the weights of the recipe."""

from __future__ import annotations

from curation.methods.mixers.types import MixContext, Sizes, Weights, by_label, check_labels, check_sum, normalised
from schemas.mixers import Fixed


def fixed(sizes: Sizes, params: Fixed, context: MixContext) -> Weights:
    """Weights float64[g]; a group that is not named has weight 0.

    Raises RecipeError for weights that do not sum to 1 (within 1e-6) and for a label that no document has.
    """
    place = f"{context.place}.weights"
    weights = params.of_labels()
    check_sum(weights.values(), place)
    check_labels(sizes, [label for label, weight in weights.items() if weight > 0], params.grouping, place)
    return normalised(by_label(sizes, weights))
