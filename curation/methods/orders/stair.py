"""Stair (STR): sorted, but folded in windows around the borders of sections."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation.methods.orders.scored import finished, in_windows, sorted_by_score
from curation.methods.orders.types import OrderKeys
from schemas.orders import Stair


def stair(keys: OrderKeys, params: Stair, *, seed: int, phase: str, place: str) -> npt.NDArray[np.int64]:
    """The permutation, int64[n]: position to index."""
    ranked, without = sorted_by_score(keys, params, seed=seed, phase=phase)
    arranged = ranked[in_windows(len(ranked), params.sections, params.ratio, params.layers, reverse=False)]
    return finished((arranged, without), keys, params, seed=seed, phase=phase)
