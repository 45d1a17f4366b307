"""The n documents, or the share of documents, with the highest or lowest scores.

Sources: DELT ``data_ordering`` (top-k, top-r), Mix-CPT (the easiest: ``highest: false`` by perplexity). Where we
differ: 0 keeps nothing (DELT's slice ``[-0:]`` keeps everything), and ties break by id, not by input order.
"""

from __future__ import annotations

import numpy as np

from curation.methods.selectors.candidates import Candidates, Mask, as_mask, by_id, scores_of, share_of
from schemas.selectors import Top


def top(candidates: Candidates, params: Top, *, seed: int, phase: str, place: str) -> Mask:
    """bool[n]. A share counts documents that have a score, rounded down; documents without one are never kept.

    Percentiles are DeepSpeed's (data_analyzer.py): n // 100 documents each, the last takes the rest.
    """
    scores = scores_of(candidates, params.by, f"{place}.by")
    scored = np.flatnonzero(~np.isnan(scores))
    count: int | None
    if params.percentile is not None:
        count = len(scored) if params.percentile == 100 else len(scored) // 100 * params.percentile
    else:
        count = params.documents if params.share is None else share_of(params.share, len(scored))
    key = -scores[scored] if params.highest else scores[scored]
    return as_mask(scored[by_id(candidates.ids[scored], key)[:count]], len(scores))
