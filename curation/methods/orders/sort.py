"""Sort: by a column, ties by id, documents without a value last in both directions (curriculum, anti-curriculum)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation.methods.orders.scored import finished, sorted_by_score
from curation.methods.orders.types import OrderKeys
from schemas.orders import Sort


def sort(keys: OrderKeys, params: Sort, *, seed: int, phase: str, place: str) -> npt.NDArray[np.int64]:
    """The permutation, int64[n]: position to index."""
    return finished(sorted_by_score(keys, params, seed=seed, phase=phase), keys, params, seed=seed, phase=phase)
