"""The best n of the correct answers to each prompt.

Source: M-STaR (Liu et al. 2024): correct answers, ranked by process reward (the least over the steps), top 2 a prompt.
Prompts without a correct answer vanish, which is a bias to easy ones: watch the group sizes.
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
from schemas.selectors import CorrectTop


def correct_top(candidates: Candidates, params: CorrectTop, *, seed: int, phase: str, place: str) -> Mask:
    """bool[n]: at most ``documents`` a prompt, none of documents without prompt label or reward."""
    prompts, labels = codes_of(candidates, params.prompt, f"{place}.prompt")
    rewards = scores_of(candidates, params.by, f"{place}.by")
    fit = (prompts >= 0) & ~np.isnan(rewards) & holds(candidates, params.correct, f"{place}.correct")
    rows = np.flatnonzero(fit)
    order = rows[by_id(candidates.ids[rows], -rewards[rows])]
    return as_mask(first_of_groups(order, prompts, np.full(len(labels), params.documents)), len(fit))
