"""DoReMi (Xie et al. 2023; official trainer.py): group-DRO over the domains' excess losses.

The report's excess is max(loss − ref_loss, 0) a domain. Official training clips a token at a time and then averages:
a trainer that does so reports the average as ``loss`` with a ``ref_loss`` of 0.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation.methods.mixers.types import MixContext, Sizes, Weights, softmax, start_weights, without_losses
from schemas.mixers import DoReMi


def doremi(sizes: Sizes, params: DoReMi, context: MixContext) -> Weights:
    """Weights float64[g]. Raises RecipeError for a report without ref_loss, or that names an unknown domain."""
    start = start_weights(sizes, params.start)
    if context.losses is None:
        return without_losses(sizes, start, params.without_losses == "refuse", context)
    excess = context.losses.by_checkpoint(
        "loss", sizes.labels, minus="ref_loss", missing=0.0, besides=context.elsewhere
    )
    steps = updates(start, np.maximum(excess, 0.0), eta=params.eta, smoothing=params.smoothing)
    return steps.mean(axis=0) if params.average else steps[-1]


def updates(
    start: Weights, excess: npt.NDArray[np.float64], *, eta: float, smoothing: float
) -> npt.NDArray[np.float64]:
    """The weights after each step, float64[steps, g]; excess: float64[steps, g], not negative."""
    weights, steps = start, []
    for row in excess:
        weights = softmax(np.log(np.maximum(weights, np.finfo(float).tiny)) + eta * row)
        weights = (1 - smoothing) * weights + smoothing / len(weights)
        steps.append(weights)
    return np.array(steps)
