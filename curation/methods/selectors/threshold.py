"""Documents whose score lies within bounds."""

from __future__ import annotations

import numpy as np

from curation.methods.selectors.candidates import Candidates, Mask, scores_of
from schemas.selectors import Threshold


def threshold(candidates: Candidates, params: Threshold, *, seed: int, phase: str, place: str) -> Mask:
    """min <= score <= max, or with ``strict`` min < score < max; a document without a score is outside: bool[n]."""
    scores = scores_of(candidates, params.by, f"{place}.by")
    low = -np.inf if params.min is None else params.min
    high = np.inf if params.max is None else params.max
    if params.strict:
        above = (scores > low) if params.min is not None else ~np.isnan(scores)
        return above & ((scores < high) if params.max is not None else True)
    return (scores >= low) & (scores <= high)
