"""What a loss counts: of each segment the product of its kind's, its turn's and its record's weight.

Sources: PTR (progressive thought refinement), which weighs thoughts less than answers; DoReMi and its kin, whose domain weights may
be put on the loss in place of the draw.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation.methods.formatters.segments import Formatted
from schemas.shards import LossWeights

Weights = npt.NDArray[np.float32]


def loss_weights(documents: pa.Table, formatted: Formatted, params: LossWeights | None) -> Weights:
    """float32[m], a number a segment, 0 without loss; the turns' own weights where the recipe sets none."""
    if params is None:
        return formatted.weights
    structs = formatted.segments.flatten()
    weights = formatted.weights.astype(np.float64)
    kinds = structs.field("kind").dictionary_encode()
    of_kind = np.array([params.kinds.get(name, 1.0) for name in kinds.dictionary.to_pylist()])
    if len(weights):
        weights *= of_kind[np.asarray(kinds.indices)]
    if params.record is not None:
        values = np.asarray(pc.cast(documents[params.record], pa.float64()).combine_chunks().fill_null(1.0))
        values = np.maximum(np.where(np.isnan(values), 1.0, values), 0.0)
        weights *= np.repeat(values, np.asarray(pc.list_value_length(formatted.segments), dtype=np.int64))
    return weights.astype(np.float32)
