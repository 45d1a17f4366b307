"""Distance of the document's embedding to the nearest k-means centre."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.arrays.kmeans import centres_of, nearest, vectors_of
from schemas.scorers import ClusterDistance


def cluster_distance(documents: pa.Table, params: ClusterDistance, state: pa.Table) -> npt.NDArray[np.float64]:
    """Euclidean distance (of vectors of length 1 with ``cosine``): float64[n], NaN without a vector."""
    centres = centres_of(state)
    rows, vectors = vectors_of(documents, params)
    result = np.full(len(documents), np.nan)
    if len(rows) and vectors.shape[1] == centres.shape[1]:
        result[rows] = nearest(vectors, centres)[1]
    return result
