"""Copies that a table or a function gives each group: FineWeb-2's rehydration, QuaDMix's sigmoid."""

from __future__ import annotations

import itertools

import numpy as np

from curation.methods.mixers.types import MixContext, Sizes, Weights, ascending, check_labels, numbers
from schemas.errors import RecipeError
from schemas.mixers import Repetitions, Sigmoid


def repetitions(sizes: Sizes, params: Repetitions, context: MixContext) -> Weights:
    """Weights float64[g]: what each group holds x its factor. Raises RecipeError where all are 0, or for an unknown label."""
    return _weighed(sizes, factors_of(sizes, params, context), context)


def factors_of(sizes: Sizes, params: Repetitions, context: MixContext) -> Weights:
    """The copies of each group: float64[g]. Raises RecipeError for a label that no document has.

    Source: FineWeb-2 (Penedo et al. 2025), whose table goes by the size of a document's cluster of duplicates.
    """
    place = f"{context.place}.factors"
    bounds, counts = numbers(params.factors), numbers(sizes.labels)
    if bounds is not None and counts is not None:
        order = np.argsort(bounds)
        factors = np.array(list(params.factors.values()))[order]
        at = np.searchsorted(bounds[order], counts, side="right") - 1
        return np.where(at < 0, 0.0, factors[at])
    check_labels(sizes, params.factors, params.grouping, place)
    return np.array([params.factors.get(label, 0.0) for label in sizes.labels])


def sigmoid(sizes: Sizes, params: Sigmoid, context: MixContext) -> Weights:
    """Weights float64[g]: what each group holds x its copies. Raises RecipeError where all are 0."""
    return _weighed(sizes, sigmoid_copies(sizes, params), context)


def sigmoid_copies(sizes: Sizes, params: Sigmoid) -> Weights:
    """The mean copies of each group, float64[g]: S at the rank share of its documents, the best (the last label) at 0.

    Source: QuaDMix (Liu et al. 2025), section 3. There ranks go by document; a group's copies are S in the mean over its ranks.
    """
    order = ascending(sizes.labels)[::-1]
    edges = np.concatenate([[0.0], np.cumsum(sizes.documents[order])]) / max(1, sizes.documents.sum())
    result = np.zeros(len(order))
    for group, (start, stop) in zip(order, itertools.pairwise(edges), strict=True):
        result[group] = _mean(start, stop, params)
    return result


def _mean(start: float, stop: float, params: Sigmoid) -> float:
    """The mean of S over ranks [start, stop], by Gauss and Legendre up to ω, where it breaks off."""
    until = min(stop, params.threshold)
    if stop <= start or until <= start:
        return params.rest
    at, weight = np.polynomial.legendre.leggauss(64)
    ranks = start + (until - start) * (at + 1) / 2
    values = (2 / (1 + np.exp(-params.slope * (params.threshold - ranks)))) ** params.exponent
    return float((values * weight).sum() / 2 * (until - start) / (stop - start)) + params.rest


def _weighed(sizes: Sizes, factors: Weights, context: MixContext) -> Weights:
    weights = sizes.held * factors
    if not weights.sum():
        raise RecipeError(context.place, "every group has 0 copies; give one of them some")
    return np.asarray(weights / weights.sum())
