"""The document nearest to the centre of each cluster that passes the heuristics.

Source: Auto-CoT (Zhang et al. 2022), ``run_demo.py``; its heuristics are the scorer ``auto_cot``.
"""

from __future__ import annotations

import numpy as np

from curation.methods.selectors.candidates import (
    Candidates,
    Mask,
    as_mask,
    by_id,
    codes_of,
    first_of_groups,
    holds,
    scores_of,
)
from schemas.selectors import OnePerCluster


def one_per_cluster(candidates: Candidates, params: OnePerCluster, *, seed: int, phase: str, place: str) -> Mask:
    """bool[n]: at most one a cluster, none of documents without cluster or distance."""
    clusters, labels = codes_of(candidates, params.by, f"{place}.by")
    distances = scores_of(candidates, params.distance, f"{place}.distance")
    fit = (clusters >= 0) & ~np.isnan(distances)
    for number, name in enumerate(params.passes):
        fit &= holds(candidates, name, f"{place}.passes[{number}]")
    rows = np.flatnonzero(fit)
    order = rows[by_id(candidates.ids[rows], distances[rows])]
    return as_mask(first_of_groups(order, clusters, np.ones(len(labels), dtype=np.int64)), len(fit))
