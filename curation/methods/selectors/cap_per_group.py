"""At most so many documents of each group, random ones or the best by a score.

Sources: TÜLU 3's caps per data set; DMT (Dong et al. 2023): a fraction k of each specialised set. k · n is rounded
down, but a group with a share over 0 keeps at least one document.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.methods.selectors.candidates import (
    Candidates,
    Mask,
    as_mask,
    by_id,
    codes_of,
    first_of_groups,
    scores_of,
    share_of,
)
from schemas.errors import RecipeError
from schemas.selectors import CapPerGroup
from schemas.tables import NO_LABEL


def cap_per_group(candidates: Candidates, params: CapPerGroup, *, seed: int, phase: str, place: str) -> Mask:
    """bool[n]. With a score, documents without one come last. Raises RecipeError for a label that there is not."""
    n = len(candidates.tokens)
    codes, labels = codes_of(candidates, params.by, f"{place}.by")
    groups = np.where(codes < 0, len(labels), codes)
    sizes = np.bincount(groups, minlength=len(labels) + 1)
    caps = _caps(params, [*labels, NO_LABEL], sizes, place)
    name = ("phase", phase) if params.draw is None else ("draw", params.draw)
    if params.score is None:
        order = by_id(candidates.ids, seeds.keys(seed, "cap_per_group", params.by, *name, ids=candidates.ids))
    else:
        scores = scores_of(candidates, params.score, f"{place}.score")
        order = by_id(candidates.ids, np.where(np.isnan(scores), np.inf, -scores if params.highest else scores))
    return as_mask(first_of_groups(order, groups, caps), n)


def _caps(params: CapPerGroup, labels: list[str], sizes: npt.NDArray[np.int64], place: str) -> npt.NDArray[np.int64]:
    """The most documents of each group: int64[labels]."""
    field = "documents" if params.share is None else "share"
    given: int | float | dict[str, int] | dict[str, float] = getattr(params, field)
    if isinstance(given, dict):
        unknown = sorted(set(given) - set(labels))
        if unknown:
            known = ", ".join(labels[:20])
            raise RecipeError(f"{place}.{field}", f"no document has the label {unknown[0]!r}; there are {known}")
        each = [given.get(label) for label in labels]
    else:
        each = [given] * len(labels)
    caps = sizes.copy()
    for i, (cap, size) in enumerate(zip(each, sizes.tolist(), strict=True)):
        if cap is not None:
            caps[i] = cap if params.share is None else max(share_of(cap, size), int(cap > 0))
    return caps
