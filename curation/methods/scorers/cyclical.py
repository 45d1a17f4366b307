"""A weight made of a loss: 1/loss, loss, exponential or uniform.

Source: cyclical curriculum learning (Kesgin & Amasyali 2022), ``Trains.py``. Where we differ: the offset is never 0 by
default, since a loss of 0 would have an infinite weight.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.methods.scorers.number import number
from schemas.scorers import Cyclical, Number


def cyclical(documents: pa.Table, params: Cyclical) -> npt.NDArray[np.float64]:
    """The weight of each document: float64[n], NaN without a loss, or with one that gives no finite weight >= 0."""
    losses = number(documents, Number.model_validate({"from": "number", "column": params.column}))
    weights = weights_of(losses, params.kind, params.offset, params.rate)
    return np.where(np.isfinite(weights) & (weights >= 0), weights, np.nan)


def weights_of(losses: npt.NDArray[np.float64], kind: str, offset: float, rate: float) -> npt.NDArray[np.float64]:
    """inverse 1 / (loss + offset), loss + offset, exponential rate · e^(−rate · loss), uniform 1: float64[n]."""
    with np.errstate(divide="ignore", over="ignore"):
        if kind == "inverse":
            return 1.0 / (losses + offset)
        if kind == "exponential":
            return rate * np.exp(-rate * losses)
        if kind == "uniform":
            return np.where(np.isnan(losses), np.nan, 1.0)
        return losses + offset
