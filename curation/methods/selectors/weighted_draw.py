"""A random draw without replacement in proportion to a weight, by Gumbel top-k.

Source: cyclical curriculum learning (Kesgin & Amasyali 2022): ``int(N · S_t)`` records by 1/loss, each at most once.
Exactly the successive draws that it makes, but by (seed, phase, id) and not by position. With a share of 1 it is the
whole set. A weight of 0 is never drawn, so that fewer may come than were asked.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.methods.selectors.candidates import Candidates, Mask, as_mask, scores_of, share_of
from curation.methods.selectors.gumbel import top_of_noisy
from schemas.errors import RecipeError
from schemas.selectors import WeightedDraw


def weighted_draw(candidates: Candidates, params: WeightedDraw, *, seed: int, phase: str, place: str) -> Mask:
    """bool[n]; documents without a score are never drawn. Raises RecipeError for a negative weight."""
    n = len(candidates.tokens)
    scores = np.ones(n) if params.by is None else scores_of(candidates, params.by, f"{place}.by")
    log_weights = _log_weights(scores, params, place)
    scored = np.flatnonzero(~np.isnan(scores))
    count = params.documents if params.share is None else share_of(params.share, len(scored))
    assert count is not None
    open_ = np.flatnonzero(log_weights > -np.inf)
    name = ("phase", phase) if params.draw is None else ("draw", params.draw)
    key = seeds.keys(seed, "weighted_draw", params.by or "", *name, ids=candidates.ids[open_])
    drawn = top_of_noisy(log_weights[open_], seeds.gumbels(key), count, candidates.ids[open_])
    return as_mask(open_[drawn], n)


def _log_weights(scores: npt.NDArray[np.float64], params: WeightedDraw, place: str) -> npt.NDArray[np.float64]:
    """float64[n]; minus infinity where nothing may be drawn."""
    if params.by is None:
        return np.zeros(len(scores))
    if params.transform == "exponential":
        logs = -params.rate * scores
    elif params.transform == "log":
        logs = scores
    else:
        weights = scores + params.offset if params.transform == "inverse" else scores
        if (weights < 0).any():
            raise RecipeError(f"{place}.by", f"{params.by!r} makes negative weights; use another transform")
        with np.errstate(divide="ignore"):
            logs = -np.log(weights) if params.transform == "inverse" else np.log(weights)
    return np.where(np.isnan(logs) | (logs == np.inf), -np.inf, logs)
