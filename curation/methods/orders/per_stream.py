"""Per stream: every global batch is of one group, batches shuffled (MosaicML Streaming)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation.methods.orders.batches import one_group_a_batch
from curation.methods.orders.types import OrderKeys
from schemas.orders import PerStream


def per_stream(keys: OrderKeys, params: PerStream, *, seed: int, phase: str, place: str) -> npt.NDArray[np.int64]:
    """The permutation, int64[n]: position to index."""
    return one_group_a_batch(keys, params.by, params.batch_size, seed=seed, phase=phase)
