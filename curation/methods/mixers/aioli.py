"""Aioli (Chen et al. 2025; official aioli_trainer.py): how much each domain helps each, from short probe mixtures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation.methods.mixers.check import check
from curation.methods.mixers.types import MixContext, Sizes, Weights, softmax, start_weights, without_losses
from schemas.errors import RecipeError
from schemas.mixers import Aioli

Matrix = npt.NDArray[np.float64]


def aioli(sizes: Sizes, params: Aioli, context: MixContext) -> Weights:
    """Weights float64[g].

    Raises RecipeError for a report without probe and ref_loss, with an unknown domain, or a round that lacks a probe.
    """
    start = start_weights(sizes, "uniform")
    if context.losses is None:
        return without_losses(sizes, start, params.without_losses == "refuse", context)
    if len(start) == 1:
        return start
    probes = probe_matrix(len(start), params.one_hot)
    weights, smoothed, rounds = start, None, 0
    for gains in context.losses.probe_gains(sizes.labels, besides=context.elsewhere):
        rounds += 1
        helped = interactions(probes, gains, context.place)
        smoothed = helped if smoothed is None else (1 - params.ema) * helped + params.ema * smoothed
        base = start if params.ema > 0 else weights
        weights = softmax(np.log(base) + params.eta * (smoothed if params.ema > 0 else helped).sum(axis=0))
    if smoothed is not None:
        gain, target = smoothed.sum(axis=0), {params.check_target: 1.0}
        runs = rounds * len(start)
        check(params, sizes, target, context, runs=runs, predict=lambda x: -(x @ gain)[:, None], in_losses=False)
    return weights


def probe_matrix(k: int, one_hot: float) -> Matrix:
    """Row i: the mixture of the probe that favours domain i; float64[k, k]."""
    matrix = np.full((k, k), (1 - one_hot) / (k - 1))
    np.fill_diagonal(matrix, one_hot)
    return matrix


def interactions(probes: Matrix, gains: Matrix, place: str = "mixture") -> Matrix:
    """A, shifted to be not negative and normalised to sum 1: float64[k, k].

    gains: float64[k, k], G[i, j] = the loss of domain i before the probe of j less that after it.
    """
    try:
        solved = np.linalg.solve(probes, gains.T).T
    except np.linalg.LinAlgError:
        raise RecipeError(f"{place}.one_hot", "the probes are all the same mixture; raise one_hot") from None
    solved = solved - min(solved.min(), 0.0)
    total = solved.sum()
    return solved / total if total > 0 else np.full_like(solved, 1 / solved.size)
