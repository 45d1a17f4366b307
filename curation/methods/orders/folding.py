"""Folding (DELT): the sorted documents in L strided layers, each of the whole range of scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation.methods.orders.scored import finished, folded, sorted_by_score
from curation.methods.orders.types import OrderKeys
from schemas.orders import Folding


def folding(keys: OrderKeys, params: Folding, *, seed: int, phase: str, place: str) -> npt.NDArray[np.int64]:
    """The permutation, int64[n]: position to index."""
    ranked, without = sorted_by_score(keys, params, seed=seed, phase=phase)
    arranged = ranked[folded(len(ranked), params.layers)]
    return finished((arranged, without), keys, params, seed=seed, phase=phase)
