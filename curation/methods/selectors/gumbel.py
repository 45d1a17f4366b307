"""The top n of log weight plus Gumbel noise: DSIR's resampling, a weighted draw without replacement.

Source: DSIR (Xie et al. 2023), ``resample``; the equivalence is Vieira 2014. The noise comes from (seed, phase, id), so
that the draw does not depend on the order of documents; n beyond the pool takes all.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.methods.selectors.candidates import Candidates, Mask, as_mask, by_id, scores_of, share_of
from schemas.selectors import Gumbel


def gumbel(candidates: Candidates, params: Gumbel, *, seed: int, phase: str, place: str) -> Mask:
    """bool[n]; documents without a score are never kept."""
    scores = scores_of(candidates, params.by, f"{place}.by")
    scored = np.flatnonzero(~np.isnan(scores))
    count = params.documents if params.share is None else share_of(params.share, len(scored))
    assert count is not None
    name = ("phase", phase) if params.draw is None else ("draw", params.draw)
    key = seeds.keys(seed, "gumbel", params.by, *name, ids=candidates.ids[scored])
    noise = params.temperature * seeds.gumbels(key)
    return as_mask(scored[top_of_noisy(scores[scored], noise, count, candidates.ids[scored])], len(scores))


def top_of_noisy(
    log_weights: npt.NDArray[np.float64], noise: npt.NDArray[np.float64], count: int, ids: npt.NDArray[np.uint64]
) -> npt.NDArray[np.int64]:
    """Rows of the ``count`` greatest log weight + noise, ties by id: int64[at most count]."""
    return by_id(ids, -(log_weights + noise))[:count]
