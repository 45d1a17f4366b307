"""Device per stream: every rank's part of a global batch is of one group (MosaicML Streaming).

The loader gives a rank a run of ``batch_size`` neighbours, so that batches of a rank's size are all it takes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation.methods.orders.batches import one_group_a_batch
from curation.methods.orders.types import OrderKeys
from schemas.orders import DevicePerStream


def device_per_stream(
    keys: OrderKeys, params: DevicePerStream, *, seed: int, phase: str, place: str
) -> npt.NDArray[np.int64]:
    """The permutation, int64[n]: position to index."""
    return one_group_a_batch(keys, params.by, params.batch_size, seed=seed, phase=phase)
