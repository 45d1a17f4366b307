"""Semantic duplicates within one cluster of embeddings: of documents that mean nearly the same, one stays.

Source: SemDeDup (Abbas et al. 2023, section 3): embeddings are clustered by k-means, documents of a cluster compared by
cosine similarity, and of those that are more alike than the bound the one farthest from the cluster's centre stays. The
published code drops a document for any earlier one that is alike, itself dropped or not; here only for one that stays, so
that every dropped document is as near as the bound to the ``kept_id`` that its ledger row names.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Int = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

BLOCK = 512
KEPT_AT_ONCE = 1 << 14


def leads(vectors: Floats, bound: float) -> tuple[Int, Floats]:
    """For each vector the place of the one that stays for it, itself where it stays: int64[n]; and their cosine
    similarity: float64[n], 1 where it stays.

    vectors: float64[n, width] of length 1, those that are rather kept first. Of several that stay the most similar one is
    named, the first of equals. n · kept comparisons, in blocks.
    """
    n = len(vectors)
    lead, value = np.arange(n), np.ones(n)
    kept = np.zeros(0, dtype=np.int64)
    for start in range(0, n, BLOCK):
        block = vectors[start : start + BLOCK]
        best, who = np.full(len(block), -np.inf), np.zeros(len(block), dtype=np.int64)
        for first in range(0, len(kept), KEPT_AT_ONCE):
            some = kept[first : first + KEPT_AT_ONCE]
            alike = block @ vectors[some].T
            place = alike.argmax(axis=1)
            most = alike[np.arange(len(block)), place]
            better = most > best
            best[better], who[better] = most[better], some[place[better]]
        among = block @ block.T
        stays = np.zeros(len(block), dtype=bool)
        for i in range(len(block)):
            mine = np.where(stays[:i], among[i, :i], -np.inf)
            if i and mine.max() > best[i]:
                best[i], who[i] = mine.max(), start + mine.argmax()
            stays[i] = best[i] < bound
        gone = np.flatnonzero(~stays)
        lead[start + gone], value[start + gone] = who[gone], np.minimum(best[gone], 1.0)
        kept = np.concatenate([kept, start + np.flatnonzero(stays)])
    return lead, value
