"""Data-mixing laws (Ye et al. 2024): L_j = a_j exp(Σ_i x_i m_ij) + b_j, least over the simplex.

Minimised as the authors do: softmax parameters and Nelder-Mead, from several starts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import optimize

from curation import seeds
from curation.methods.mixers.check import check
from curation.methods.mixers.laws import read_law, task_weights
from curation.methods.mixers.proxy_runs import read_runs
from curation.methods.mixers.types import MixContext, Sizes, Weights, proportions, softmax
from schemas.errors import RecipeError
from schemas.mixers import MixingLaw

Matrix = npt.NDArray[np.float64]
STARTS = 8


def mixing_law(sizes: Sizes, params: MixingLaw, context: MixContext) -> Weights:
    """Weights float64[g]. Raises RecipeError for a file that is no law, or runs that no law fits."""
    if params.runs is not None:
        mixtures, losses = read_runs(params.runs, sizes, params.targets, params, context.place)
        a, b, m = fit(mixtures, losses, f"{context.place}.runs")
        runs = len(mixtures)
        check(params, sizes, params.targets, context, runs=runs, predict=lambda x: predict(x, a, b, m))
    else:
        law = read_law(params.law or "", sizes, {"a": -1, "b": -1, "m": 0}, f"{context.place}.law")
        a, b, m = law["a"], law["b"], law["m"]
        if not a.shape == b.shape == m.shape[1:]:
            raise RecipeError(f"{context.place}.law", "a and b need one number a task, m one column a task")
    weights = task_weights(params.targets, len(a), params.runs is not None, context.place)
    draw = seeds.rng(context.seed, "mixing_law")
    g = len(sizes.labels)
    starts = [np.log(np.maximum(proportions(sizes), 1e-6)), *draw.normal(size=(STARTS - 1, g))]

    def loss(z: Weights) -> float:
        return float(weights @ predict(softmax(z), a, b, m))

    options = {"maxiter": 4000 * g, "maxfev": 4000 * g, "xatol": 1e-7, "fatol": 1e-10, "adaptive": True}
    found = [optimize.minimize(loss, start, method="Nelder-Mead", options=options) for start in starts]
    return softmax(min(found, key=lambda result: result.fun).x)


def predict(x: Weights, a: Weights, b: Weights, m: Matrix) -> Weights:
    """Losses float64[tasks] of the mixture x float64[g], or float64[n, tasks] of float64[n, g]; a, b: float64[tasks]; m: float64[g, tasks]."""
    return a * np.exp(x @ m) + b


def fit(mixtures: Matrix, losses: Matrix, place: str) -> tuple[Weights, Weights, Matrix]:
    """a, b, m by least squares with a Huber-like loss, task by task, from several offsets b."""
    runs, g = mixtures.shape
    if runs < g + 2:
        raise RecipeError(place, f"{runs} runs; a law over {g} groups needs {g + 2} at least")
    laws = [_fit_task(mixtures, losses[:, task]) for task in range(losses.shape[1])]
    return np.array([x[0] for x in laws]), np.array([x[1] for x in laws]), np.column_stack([x[2] for x in laws])


def _fit_task(mixtures: Matrix, losses: Weights) -> tuple[float, float, Weights]:
    best = None
    for share in (0.0, 0.5, 0.9):
        offset = share * losses.min()
        # log(L − b) is linear in x; Σ x = 1 makes log a and a shift of m the same: a is 1 in the start.
        m0, *_ = np.linalg.lstsq(mixtures, np.log(np.maximum(losses - offset, 1e-9)), rcond=None)

        def residuals(p: Weights) -> Weights:
            return np.exp(np.clip(mixtures @ p[1:], -50, 50)) + p[0] - losses

        result = optimize.least_squares(residuals, np.r_[offset, m0], loss="soft_l1", f_scale=0.02)
        if best is None or result.cost < best.cost:
            best = result
    assert best is not None
    return 1.0, float(best.x[0]), best.x[1:]
