"""Shuffle: sorted by a key from (seed, phase, id), so that where a document stood does not matter."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.orders.types import OrderKeys
from schemas.orders import Shuffle


def shuffle(keys: OrderKeys, params: Shuffle, *, seed: int, phase: str) -> npt.NDArray[np.int64]:
    """A random permutation, int64[n]: position to index."""
    drawn = seeds.keys(seed, phase, "shuffle", ids=keys.ids)
    return np.lexsort((keys.ids[:, 1], keys.ids[:, 0], drawn))
