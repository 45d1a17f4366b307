"""Orders: one function a file, `(keys, params, seed, phase) -> int64[n]`, a permutation: position to index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from curation.orders.shuffle import shuffle
from curation.orders.sort import sort
from curation.orders.types import OrderKeys
from schemas import orders as models

__all__ = ["FUNCTIONS", "OrderKeys", "arrange"]

FUNCTIONS: dict[type, Callable[..., npt.NDArray[np.int64]]] = {models.Shuffle: shuffle, models.Sort: sort}
BARE: dict[str, Any] = {"shuffle": models.Shuffle(method="shuffle")}


def arrange(keys: OrderKeys, order: Any, *, seed: int, phase: str) -> npt.NDArray[np.int64]:
    """The permutation of an order, given as a bare name or as its model."""
    params = BARE[order] if isinstance(order, str) else order
    return FUNCTIONS[type(params)](keys, params, seed=seed, phase=phase)
