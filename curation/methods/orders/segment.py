"""Segment (DELT): a first part from one end of the scores, a last from the other, the rest between, each shuffled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.arrays.sorting import order_by
from curation.methods.orders.scored import finished, sorted_by_score
from curation.methods.orders.types import OrderKeys
from schemas.orders import Segment


def segment(keys: OrderKeys, params: Segment, *, seed: int, phase: str, place: str) -> npt.NDArray[np.int64]:
    """The permutation, int64[n]: position to index."""
    ranked, without = sorted_by_score(keys, params, seed=seed, phase=phase)
    drawn = seeds.keys(seed, phase, "segment", ids=keys.ids)

    def shuffled(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return rows[order_by(keys.ids[rows], drawn[rows])]

    n = len(ranked)
    first = int(n * params.first)
    last = min(int(n * params.last), n - first)
    if params.same_end:
        ends = shuffled(ranked[: first + last])
        arranged = np.concatenate([ends[:first], shuffled(ranked[first + last :]), ends[first:]])
    else:
        arranged = np.concatenate(
            [shuffled(ranked[:first]), shuffled(ranked[first : n - last]), shuffled(ranked[n - last :])]
        )
    return finished((arranged, without), keys, params, seed=seed, phase=phase)
