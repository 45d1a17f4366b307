"""Scorers: document to number. One file a method; ``FUNCTIONS`` is the registry."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.scorers.number import number
from curation.scorers.table import table
from curation.scorers.tokens import tokens
from schemas import scorers as models

FUNCTIONS: dict[type, Callable[..., npt.NDArray[np.float64]]] = {
    models.Number: number,
    models.Table: table,
    models.Tokens: tokens,
}
"""(documents, params) to float64[n]; NaN is no score."""


def score(documents: pa.Table, params: models.Scorer, *, place: str = "tags") -> npt.NDArray[np.float64]:
    """The scores of a batch of documents: float64[n], NaN for none. Raises RecipeError at ``place``."""
    function = FUNCTIONS[type(params)]
    extra: dict[str, Any] = {"place": place} if "place" in inspect.signature(function).parameters else {}
    return function(documents, params, **extra)
