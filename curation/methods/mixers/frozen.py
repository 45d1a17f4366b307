"""Groups that did not change count as one, so that a fit after a change needs few runs.

Source: Olmix (Ai2 2026), section 5.1: what is kept from the last mixture is a group of its own, its weights inside are frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from curation.methods.mixers.types import Merged, MixContext, Sizes, Weights, check_labels
from schemas.errors import RecipeError

EXISTING = "existing"


def with_frozen(
    sizes: Sizes, frozen: Mapping[str, float], by: str, context: MixContext, mix: Callable[[Sizes], Weights]
) -> Weights:
    """Weights float64[…, g] of a mixture over the groups of which those of ``frozen`` are one. mix: gives its weights, one mixture's or
    several's, groups last.

    Raises RecipeError for a label that no document has, weights that are all 0, and where nothing else is left.
    """
    place = f"{context.place}.frozen"
    check_labels(sizes, frozen, by, place)
    total = sum(frozen.values())
    rest = [i for i, label in enumerate(sizes.labels) if label not in frozen]
    inside = [i for i, label in enumerate(sizes.labels) if frozen.get(label, 0) > 0]
    if not total or not rest:
        raise RecipeError(
            place, "every group is frozen; leave out those that changed" if total else "the weights are all 0"
        )
    if EXISTING in (sizes.labels[i] for i in rest):
        raise RecipeError(
            place, f"a group is called {EXISTING!r}, as those that are frozen are together; name it otherwise"
        )
    shares = np.array([frozen[sizes.labels[i]] / total for i in inside])
    together = Merged(tuple(sizes.labels[i] for i in inside), shares, sizes.held[inside].astype(float))
    all_frozen = [i for i, label in enumerate(sizes.labels) if label in frozen]
    merged = sizes.summed({EXISTING: all_frozen, **{sizes.labels[i]: [i] for i in rest}}, {EXISTING: together})
    found = mix(merged)
    result = np.zeros((*found.shape[:-1], len(sizes.labels)))
    result[..., rest] = found[..., [merged.labels.index(sizes.labels[i]) for i in rest]]
    result[..., inside] = found[..., [merged.labels.index(EXISTING)]] * shares
    return result
