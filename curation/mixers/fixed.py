"""Fixed mixture: the weights of the recipe."""

from __future__ import annotations

import difflib

import numpy as np
import numpy.typing as npt

from curation.mixers.types import MixContext, Sizes
from schemas.errors import RecipeError
from schemas.mixers import Fixed

TOLERANCE = 1e-6


def fixed(sizes: Sizes, params: Fixed, context: MixContext) -> npt.NDArray[np.float64]:
    """Weights float64[g]; a group that is not named has weight 0.

    Raises RecipeError for weights that do not sum to 1 (within 1e-6) and for a label that no document has.
    """
    place = f"{context.place}.weights"
    total = sum(params.weights.values())
    if abs(total - 1) > TOLERANCE:
        raise RecipeError(place, f"the weights sum to {total:g}; they must sum to 1")
    for label, weight in params.weights.items():
        if label not in sizes.labels and weight > 0:
            close = difflib.get_close_matches(label, sizes.labels, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(sizes.labels[:20])}"
            raise RecipeError(f"{place}.{label}", f"no document has the label {label!r} of {params.by!r}{hint}")
    weights = np.array([params.weights.get(label, 0.0) for label in sizes.labels])
    return weights / weights.sum()
