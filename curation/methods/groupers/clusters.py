"""The k-means cluster of the document's embedding."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from curation.arrays.kmeans import centres_of, nearest, vectors_of
from schemas.groupers import Clusters


def clusters(documents: pa.Table, params: Clusters, state: pa.Table) -> pa.Array:
    """Cluster ``0`` (the largest of the sample) to ``k - 1``, padded so that they sort: string[n], null without a
    vector."""
    centres = centres_of(state)
    rows, vectors = vectors_of(documents, params)
    which = np.zeros(len(documents), dtype=np.int64)
    missing = np.ones(len(documents), dtype=bool)
    if len(rows) and vectors.shape[1] == centres.shape[1]:
        which[rows] = nearest(vectors, centres)[0]
        missing[rows] = False
    width = len(str(len(centres) - 1))
    names = pa.array([f"{i:0{width}d}" for i in range(len(centres))], pa.string())
    return names.take(pa.array(which, mask=missing))
