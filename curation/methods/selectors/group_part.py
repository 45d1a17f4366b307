"""One of several equal parts of the groups, drawn once: parts share no group.

Source: M-STaR (Liu et al. 2024): a round takes a quarter of the prompts, without repetition while there are any.
"""

from __future__ import annotations

import numpy as np

from curation import seeds
from curation.methods.selectors.candidates import Candidates, Mask, codes_of
from schemas.selectors import GroupPart


def group_part(candidates: Candidates, params: GroupPart, *, seed: int, phase: str, place: str) -> Mask:
    """bool[n]; documents without a label are in no part. Part sizes differ by one group at most."""
    codes, labels = codes_of(candidates, params.by, f"{place}.by")
    draw = seeds.rng(seed, "group_part", params.by, params.parts)
    part = draw.permutation(len(labels)) % params.parts
    return np.append(part == params.part % params.parts, False)[codes]
