"""The documents with the lowest or highest scores, as long as their tokens fit.

Source: stability gap (Guo et al. 2024), strategy II: the 5B tokens of lowest perplexity. The boundary is ours: the
budget is never exceeded, the first document that does not fit ends the selection.
"""

from __future__ import annotations

import numpy as np

from curation.methods.selectors.candidates import Candidates, Mask, as_mask, by_id, scores_of
from schemas.selectors import TokenBudget


def token_budget(candidates: Candidates, params: TokenBudget, *, seed: int, phase: str, place: str) -> Mask:
    """bool[n]; documents without a score are never kept."""
    scores = scores_of(candidates, params.by, f"{place}.by")
    scored = np.flatnonzero(~np.isnan(scores))
    budget = params.tokens if params.tokens is not None else (params.share or 0) * int(candidates.tokens.sum())
    key = -scores[scored] if params.highest else scores[scored]
    ordered = scored[by_id(candidates.ids[scored], key)]
    count = int(np.searchsorted(np.cumsum(candidates.tokens[ordered]), budget, side="right"))
    return as_mask(ordered[:count], len(scores))
