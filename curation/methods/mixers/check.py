"""What a fitted mixer foretells of runs that it was not fitted to, beside what was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from curation.methods.mixers.proxy_runs import read_runs
from curation.methods.mixers.types import MixContext, Sizes, Weights, normalised
from schemas.errors import RecipeError
from schemas.mixers import Fitted, Learned
from schemas.plan import Fit

Matrix = npt.NDArray[np.float64]
LEAST = 3
"""Runs, without which a rank correlation says nothing."""
DIGITS = 6


def check(
    params: Fitted | Learned,
    sizes: Sizes,
    targets: Mapping[str, float],
    context: MixContext,
    *,
    runs: int,
    predict: Callable[[Matrix], Matrix],
    in_losses: bool = True,
) -> None:
    """Leave in the context's ``fits`` how well the fit does on the runs of its ``check``; nothing where there is none.

    targets: columns of losses and their weights, of which the weighted mean is foretold. predict: mixtures float64[n, g] to
    float64[n, targets]; in_losses: whether those are losses, or only fall and rise with them. Raises RecipeError for a table that is none.
    """
    if params.check is None:
        return
    mixtures, losses = read_runs(params.check, sizes, targets, params, context.place, "check")
    if len(losses) < LEAST:
        raise RecipeError(
            f"{context.place}.check", f"{params.check}: {len(losses)} runs; a rank correlation needs {LEAST} at least"
        )
    weights = normalised(np.array(list(targets.values())))
    seen = losses @ weights
    predicted = predict(mixtures) @ weights
    context.fits.append(
        Fit(
            runs=runs,
            checked=len(losses),
            rank_correlation=rank_correlation(predicted, seen),
            mean_absolute_error=float(np.abs(predicted - seen).mean()) if in_losses else None,
            predicted=tuple(np.round(predicted, DIGITS).tolist()),
            seen=tuple(np.round(seen, DIGITS).tolist()),
        )
    )


def rank_correlation(first: Weights, second: Weights) -> float | None:
    """Spearman's: −1 to 1; None where all of one are alike.

    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([2.0, 9.0, 10.0]))
    1.0
    """
    from scipy.stats import spearmanr  # half a second, for a fit that is checked alone

    if not np.ptp(first) or not np.ptp(second):
        return None
    return float(spearmanr(first, second).statistic)
