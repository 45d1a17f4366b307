"""Zig-zag (DELT): folding with every second layer reversed, so that the score never jumps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation.methods.orders.scored import finished, sorted_by_score, zig_zagged
from curation.methods.orders.types import OrderKeys
from schemas.orders import ZigZag


def zig_zag(keys: OrderKeys, params: ZigZag, *, seed: int, phase: str, place: str) -> npt.NDArray[np.int64]:
    """The permutation, int64[n]: position to index."""
    ranked, without = sorted_by_score(keys, params, seed=seed, phase=phase)
    arranged = ranked[zig_zagged(len(ranked), params.layers)]
    return finished((arranged, without), keys, params, seed=seed, phase=phase)
