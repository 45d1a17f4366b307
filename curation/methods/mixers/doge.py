"""DoGE (Fan et al. 2024): domains whose gradients point where the target's do gain weight."""

from __future__ import annotations

import numpy as np

from curation.methods.mixers.check import check
from curation.methods.mixers.types import MixContext, Sizes, Weights, softmax, start_weights, without_losses
from schemas.mixers import DoGE


def doge(sizes: Sizes, params: DoGE, context: MixContext) -> Weights:
    """Weights float64[g]. Raises RecipeError for a report without alignment, or that names an unknown domain."""
    weights = start_weights(sizes, params.start)
    if context.losses is None:
        return without_losses(sizes, weights, params.without_losses == "refuse", context)
    steps, scores = [], []
    for alignment in context.losses.by_checkpoint("alignment", sizes.labels, missing=0.0, besides=context.elsewhere):
        score = np.clip(params.learning_rate * alignment, 0.0, 5 * params.learning_rate)
        weights = update(weights, score, params.mu)
        scores.append(score)
        steps.append(weights)
    gain = np.mean(scores, axis=0)
    target = {params.check_target: 1.0}
    check(params, sizes, target, context, runs=len(steps), predict=lambda x: -(x @ gain)[:, None], in_losses=False)
    return np.mean(steps, axis=0) if params.average else weights


def update(weights: Weights, scores: Weights, mu: float) -> Weights:
    """w exp(s / μ), normalised: float64[g]."""
    return softmax(np.log(np.maximum(weights, np.finfo(float).tiny)) + scores / mu)
