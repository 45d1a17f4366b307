"""Sort: by a column, ties by id, documents without a value last in both directions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation.orders.types import OrderKeys
from schemas.orders import Sort


def sort(keys: OrderKeys, params: Sort, *, seed: int, phase: str) -> npt.NDArray[np.int64]:
    """The permutation, int64[n]: position to index."""
    values = keys.ranks(params.by)
    return np.lexsort((keys.ids[:, 1], keys.ids[:, 0], -values if params.descending else values))
