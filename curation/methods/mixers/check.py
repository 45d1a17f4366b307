"""What a fitted mixer foretells of runs that it was not fitted to, beside what was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from curation.methods.mixers.types import MixContext, Sizes, Weights
from curation.methods.numbers_table import read_numbers
from schemas.errors import RecipeError
from schemas.plan import Fit

Matrix = npt.NDArray[np.float64]
LEAST = 3
"""Runs, without which a rank correlation says nothing."""
DIGITS = 6


def check(
    path: str | None,
    sizes: Sizes,
    targets: Mapping[str, float],
    context: MixContext,
    *,
    runs: int,
    predict: Callable[[Matrix], Weights],
    in_losses: bool = True,
) -> None:
    """Leave in the context's ``fits`` how well the fit does on the runs of ``path``; nothing where there is none.

    targets: columns of losses and their weights, of which the weighted mean is foretold. predict: mixtures float64[n, g] to
    float64[n]; in_losses: whether that is a loss, or only falls and rises with one. Raises RecipeError for a table that is none.
    """
    if path is None:
        return
    place = f"{context.place}.check"
    table = read_numbers(path, place, numbers=(*sizes.columns(), *targets))
    if len(table) < LEAST:
        raise RecipeError(place, f"{path}: {len(table)} runs; a rank correlation needs {LEAST} at least")
    weights = np.array(list(targets.values()))
    seen = table.select(list(targets)).to_numpy() @ (weights / weights.sum())
    predicted = predict(sizes.mixtures(table))
    context.fits.append(
        Fit(
            runs=runs,
            checked=len(table),
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
    ranks = [rankdata(values) for values in (first, second)]
    ranks = [of - of.mean() for of in ranks]
    scale = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    return float((ranks[0] * ranks[1]).sum() / scale) if scale else None
