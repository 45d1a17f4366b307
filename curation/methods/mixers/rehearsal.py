"""Rehearsal of the tasks of a stream by their age: power law, and exponential as its control.

Source: abstract of the power-law rehearsal paper (the chance of meeting a task falls as a power law of the time since
it was last performed). Exponent and clock could not be found; ours: stages, in which the current task has age 1.
"""

from __future__ import annotations

import numpy as np

from curation.methods.mixers.types import MixContext, Sizes, Weights, by_label, check_labels, normalised, softmax
from schemas.errors import RecipeError
from schemas.mixers import ExponentialRehearsal, PowerLawRehearsal


def power_law_rehearsal(sizes: Sizes, params: PowerLawRehearsal, context: MixContext) -> Weights:
    """Weights float64[g]. Raises RecipeError for a task that no document has, or that was met twice."""
    return _of_tasks(sizes, params, context, power_law(_ages(params), params.exponent))


def exponential_rehearsal(sizes: Sizes, params: ExponentialRehearsal, context: MixContext) -> Weights:
    """Weights float64[g]. Raises RecipeError for a task that no document has, or that was met twice."""
    return _of_tasks(sizes, params, context, exponential(_ages(params), params.tau))


def power_law(ages: Weights, exponent: float) -> Weights:
    """age^(−b) / Σ age^(−b), ages ≥ 1: float64[n]."""
    return normalised(ages**-exponent)


def exponential(ages: Weights, tau: float) -> Weights:
    """e^(−age / τ) / Σ e^(−age / τ): float64[n]."""
    return softmax(-ages / tau)


def _ages(params: PowerLawRehearsal | ExponentialRehearsal) -> Weights:
    return np.arange(len(params.tasks), 0, -1, dtype=np.float64)


def _of_tasks(
    sizes: Sizes, params: PowerLawRehearsal | ExponentialRehearsal, context: MixContext, weights: Weights
) -> Weights:
    check_labels(sizes, params.tasks, params.grouping, f"{context.place}.tasks")
    if len(set(params.tasks)) < len(params.tasks):
        raise RecipeError(f"{context.place}.tasks", "a task stands twice; give each once, in the order it was met")
    return by_label(sizes, dict(zip(params.tasks, weights, strict=True)))
