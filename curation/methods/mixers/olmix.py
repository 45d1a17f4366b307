"""Olmix (fit/utils.py, LogLinearExactProposer): a log-linear law a task, its convex minimum with caps and a KL term.

min_x Σ_i w_i exp(t_i · x) + κ KL(x ‖ prior) on the simplex with x_j ≤ tokens_j · repetition / budget. The constants of
the laws are dropped, as there: they do not move the minimum.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import optimize

from curation.methods.mixers.check import check
from curation.methods.mixers.laws import read_law, task_weights
from curation.methods.mixers.proxy_runs import read_runs
from curation.methods.mixers.types import (
    MixContext,
    Sizes,
    Weights,
    by_label,
    check_labels,
    check_sum,
    normalised,
    proportions,
)
from schemas.errors import RecipeError
from schemas.mixers import Olmix

Matrix = npt.NDArray[np.float64]
HUBER = 0.02
TINY = 1e-12


def olmix(sizes: Sizes, params: Olmix, context: MixContext) -> Weights:
    """Weights float64[g].

    Raises RecipeError for a file that is no law, a prior that does not sum to 1, and caps that sum to less than 1.
    """
    place = context.place
    if params.runs is not None:
        mixtures, losses = read_runs(params.runs, sizes, params.targets, params, place)
        offsets, slopes = fit(mixtures, losses)
        runs = len(mixtures)
        check(params, sizes, params.targets, context, runs=runs, predict=lambda x: law(x, offsets, slopes))
    else:
        slopes = read_law(params.law or "", sizes, {"t": 1}, f"{place}.law")["t"]
    prior = proportions(sizes)
    if params.prior is not None:
        check_sum(params.prior.values(), f"{place}.prior")
        given = {label: sum(params.prior.get(one, 0.0) for one in of.labels) for label, of in sizes.merged.items()}
        check_labels(sizes, set(params.prior) - set(sizes.columns()), params.grouping, f"{place}.prior")
        prior = by_label(sizes, {**params.prior, **given})
    caps = np.ones(len(prior))
    if params.repetition is not None and np.isfinite(context.budget):
        caps = np.minimum(sizes.room * params.repetition / context.budget, 1.0)
    if caps.sum() < 1:
        raise RecipeError(
            f"{place}.repetition",
            f"the groups can give {caps.sum():.0%} of the budget at {params.repetition:g} passes; lower the budget or raise it",
        )
    weights = task_weights(params.targets, len(slopes), params.runs is not None, place)
    return propose(slopes, weights, prior, params.kl, caps)


def propose(slopes: Matrix, task: Weights, prior: Weights, kl: float, caps: Weights) -> Weights:
    """The minimum x: float64[g]. slopes: float64[tasks, g]; task: float64[tasks]; caps: float64[g]."""
    caps = np.where(prior > 0, caps, 0.0) if kl > 0 else caps  # the KL term forbids what the prior does not have
    safe = np.maximum(prior, TINY)

    def objective(x: Weights) -> tuple[float, Weights]:
        growth = task * np.exp(slopes @ x)
        ratio = np.log(np.maximum(x, TINY) / safe)
        return float(growth.sum() + kl * (x * ratio).sum()), slopes.T @ growth + kl * (ratio + 1)

    start = _under_caps(prior, caps)
    result = optimize.minimize(
        objective,
        start,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, float(cap)) for cap in caps],
        constraints=[{"type": "eq", "fun": lambda x: x.sum() - 1, "jac": lambda x: np.ones_like(x)}],
        options={"maxiter": 2000, "ftol": 1e-13},
    )
    return normalised(np.clip(result.x, 0.0, caps))


def _under_caps(weights: Weights, caps: Weights) -> Weights:
    """Weights cut to their caps, the rest spread over the others: a start that holds the bounds."""
    result = np.minimum(weights, caps)
    for _ in range(len(caps)):
        room = caps - result
        if 1 - result.sum() < 1e-12 or room.sum() <= 0:
            break
        result = np.minimum(caps, result + (1 - result.sum()) * room / room.sum())
    return result


def law(mixtures: Matrix, offsets: Weights, slopes: Matrix) -> Matrix:
    """Losses float64[n, tasks] of mixtures float64[n, g]: exp(c) + exp(x · t)."""
    return np.asarray(np.exp(offsets) + np.exp(mixtures @ slopes.T))


def fit(mixtures: Matrix, losses: Matrix) -> tuple[Weights, Matrix]:
    """c, float64[tasks], and slopes t, float64[tasks, g], of L = exp(c) + exp(x · t), by L-BFGS with a Huber loss (δ .02)."""
    g = mixtures.shape[1]
    laws = []
    for column in losses.T:

        def huber(p: Weights, column: Weights = column) -> float:
            rest = np.abs(np.exp(np.clip(p[0], -30, 30)) + np.exp(np.clip(mixtures @ p[1:], -30, 30)) - column)
            return float(np.where(rest <= HUBER, 0.5 * rest**2, HUBER * (rest - 0.5 * HUBER)).sum())

        found = []
        for share in (0.1, 0.5, 0.9):
            offset = max(share * column.min(), 1e-6)
            linear, *_ = np.linalg.lstsq(mixtures, np.log(np.maximum(column - offset, 1e-9)), rcond=None)
            found.append(optimize.minimize(huber, np.r_[np.log(offset), linear], method="L-BFGS-B"))
        laws.append(min(found, key=lambda result: result.fun).x[: g + 1])
    found_laws = np.array(laws)
    return found_laws[:, 0], found_laws[:, 1:]
