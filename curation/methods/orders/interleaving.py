"""Interleaving: level and stage rise over all subjects together; inside, subjects take turns by concept.

Source: CORGI (Lee et al. 2024); its sort keys could not be found, these are ours. Subjects that run out are skipped, so
that the end of a level may be one subject only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation.arrays.sorting import order_by, place_in_run
from curation.methods.orders.course import label_ranks
from curation.methods.orders.types import OrderKeys
from schemas.orders import Interleaving


def interleaving(keys: OrderKeys, params: Interleaving, *, seed: int, phase: str, place: str) -> npt.NDArray[np.int64]:
    """The permutation, int64[n]: position to index."""
    subject, stage, concept, level = (np.nan_to_num(r, nan=np.inf) for r in label_ranks(keys, params))
    order = order_by(keys.ids, level, stage, subject, concept)
    changes = np.zeros(len(order), dtype=bool)
    for column in (level, stage, subject):
        changes[1:] |= column[order[1:]] != column[order[:-1]]
    turns = np.empty(len(keys), dtype=np.int64)
    turns[order] = place_in_run(np.cumsum(changes))
    return order_by(keys.ids, level, stage, turns, subject)
