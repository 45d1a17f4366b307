"""What the orders of an instruction course share: its four labels as numbers that sort."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation.methods.orders.types import OrderKeys
from schemas.orders import Course

Ranks = npt.NDArray[np.float64]


def label_ranks(keys: OrderKeys, params: Course) -> tuple[Ranks, Ranks, Ranks, Ranks]:
    """Subject, stage, concept, level: float64[n] each, NaN (last) without a label; 0 where the recipe names none."""
    none = np.zeros(len(keys))
    stage = keys.ranks(params.stage) if params.stage is not None else none
    concept = keys.ranks(params.concept) if params.concept is not None else none
    return keys.ranks(params.subject), stage, concept, keys.ranks(params.level)
