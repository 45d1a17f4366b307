"""Shuffle: sorted by a key from (seed, phase, id), so that where a document stood does not matter."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.arrays.sorting import order_by
from curation.methods.orders.types import OrderKeys
from schemas.orders import Shuffle


def shuffle(keys: OrderKeys, params: Shuffle, *, seed: int, phase: str, place: str) -> npt.NDArray[np.int64]:
    """A random permutation, int64[n]: position to index."""
    return order_by(keys.ids, seeds.keys(seed, phase, "shuffle", ids=keys.ids))
