"""RegMix (Liu et al. 2025): LightGBM from the mixtures of proxy runs to their loss, then the best of simulated ones.

As in the authors' notebook: 1000 rounds, learning rate .01, early stopping after 3, mean of the 128 best of 100 000
Dirichlet(prior) mixtures. There the rounds are chosen on the test split; here on a held-out part of the runs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.methods.mixers.types import MixContext, Sizes, Weights, normalised, proportions
from curation.methods.numbers_table import read_numbers
from schemas.errors import RecipeError
from schemas.mixers import RegMix

Matrix = npt.NDArray[np.float64]
LEAST_RUNS = 8


def regmix(sizes: Sizes, params: RegMix, context: MixContext) -> Weights:
    """Weights float64[g]. Raises RecipeError without LightGBM, for too few runs or a missing column."""
    place = f"{context.place}.runs"
    table = read_numbers(params.runs, place, numbers=(*sizes.labels, params.target))
    if len(table) < LEAST_RUNS:
        raise RecipeError(place, f"{params.runs}: {len(table)} runs; RegMix needs {LEAST_RUNS} at least")
    mixtures, losses = table.select(sizes.labels).to_numpy(), table[params.target].to_numpy()
    draw = seeds.rng(context.seed, "regmix", params.target)
    simulated = draw.dirichlet(proportions(sizes), size=params.simulations)
    predicted = predict(mixtures, losses, simulated, held_out=params.held_out, draw=draw, place=context.place)
    best = np.argsort(predicted, kind="stable")[: params.best]
    return normalised(simulated[best].mean(axis=0))


def predict(
    mixtures: Matrix, losses: Weights, simulated: Matrix, *, held_out: float, draw: np.random.Generator, place: str
) -> Weights:
    """Predicted losses of the simulated mixtures: float64[s]. mixtures: float64[runs, g]; losses: float64[runs]."""
    try:
        import lightgbm
    except ImportError:
        message = 'regmix needs LightGBM: install the extra, pip install ".[regmix]"'
        raise RecipeError(f"{place}.method", message) from None
    order = draw.permutation(len(losses))
    apart = max(1, round(held_out * len(losses)))
    train, stop = order[apart:], order[:apart]
    settings = {
        "objective": "regression",
        "learning_rate": 0.01,
        "seed": 42,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
        "min_data_in_leaf": min(20, max(1, len(train) // 4)),
    }
    fitted = lightgbm.Dataset(mixtures[train], losses[train])
    model = lightgbm.train(
        settings,
        fitted,
        num_boost_round=1000,
        valid_sets=[lightgbm.Dataset(mixtures[stop], losses[stop], reference=fitted)],
        callbacks=[lightgbm.early_stopping(3, verbose=False)],
    )
    return np.asarray(model.predict(simulated), dtype=np.float64)
