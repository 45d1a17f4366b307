"""Spiral: subject after subject; inside, every concept is met again at each level.

Source: CORGI (Lee et al. 2024); its sort keys could not be found, these are ours.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation.arrays.sorting import order_by
from curation.methods.orders.course import label_ranks
from curation.methods.orders.types import OrderKeys
from schemas.orders import Spiral


def spiral(keys: OrderKeys, params: Spiral, *, seed: int, phase: str, place: str) -> npt.NDArray[np.int64]:
    """The permutation, int64[n]: position to index."""
    subject, stage, concept, level = label_ranks(keys, params)
    return order_by(keys.ids, subject, level, stage, concept)
