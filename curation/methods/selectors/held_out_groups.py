"""A split by skill: documents whose skills are all for training, all held out, or mixed.

Source: SKILL-MIX composition (Zhao et al. 2024): skills are held out by category; mixed combinations go to neither.
"""

from __future__ import annotations

import numpy as np

from curation.methods.selectors.candidates import Candidates, Mask, codes_of
from schemas.errors import RecipeError
from schemas.selectors import HeldOutGroups


def held_out_groups(candidates: Candidates, params: HeldOutGroups, *, seed: int, phase: str, place: str) -> Mask:
    """bool[n]; documents without a skill are in no part.

    Raises RecipeError for a skill without a category, or a training skill or category that there is not. Works on the
    labels: the time does not grow with documents but for one look-up each.
    """
    codes, labels = codes_of(candidates, params.by, f"{place}.by")
    sets = [{part.strip() for part in label.split(params.separator)} for label in labels]
    skills = set().union(*sets) if sets else set()
    if params.categories:
        missing = sorted(skills - set(params.categories))
        if missing:
            raise RecipeError(f"{place}.categories", f"the skill {missing[0]!r} of the pool has no category")
    known = set(params.categories.values()) if params.categories else skills
    unknown = sorted(set(params.train) - known)
    if unknown and skills:
        raise RecipeError(f"{place}.train", f"got {unknown[0]!r}; there are {', '.join(sorted(known)[:20])}")
    train = {s for s in skills if params.categories.get(s, s) in params.train}
    parts = ["train" if s <= train else "held_out" if not s & train else "mixed" for s in sets]
    return np.array([*(part == params.keep for part in parts), False])[codes]
