"""Round robin: groups take turns, one document each; groups that run out are skipped."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.arrays.sorting import order_by, place_in_run
from curation.methods.orders.types import OrderKeys
from schemas.orders import RoundRobin


def round_robin(keys: OrderKeys, params: RoundRobin, *, seed: int, phase: str, place: str) -> npt.NDArray[np.int64]:
    """The permutation, int64[n]: position to index."""
    groups, _ = keys.groups(params.by)
    if params.inside is None:
        inside = seeds.keys(seed, phase, "round_robin", ids=keys.ids)
        order = order_by(keys.ids, groups, inside)
    else:
        order = order_by(keys.ids, groups, keys.ranks(params.inside))
    turns = np.empty(len(keys), dtype=np.int64)
    turns[order] = place_in_run(groups[order])
    return order_by(keys.ids, turns, groups)
