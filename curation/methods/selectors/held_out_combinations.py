"""A split by combinations of attributes: unseen together, each seen alone.

Source: compositional generalisation of medical multimodal models (Med-MAT): a combination of modality, area and task is never in
training, each of its values stands there in another combination.
"""

from __future__ import annotations

import numpy as np

from curation.methods.selectors.candidates import Candidates, Mask, codes_of
from schemas.errors import RecipeError
from schemas.selectors import HeldOutCombinations


def held_out_combinations(
    candidates: Candidates, params: HeldOutCombinations, *, seed: int, phase: str, place: str
) -> Mask:
    """bool[n]; documents without a label are in no part.

    Raises RecipeError for a combination that there is not, or one of whose values no other combination has. Where the held-out part is a
    phase for evaluation, it is no candidate of the others: there only the values can be looked at.
    """
    codes, labels = codes_of(candidates, params.by, f"{place}.by")
    there = {labels[code] for code in np.unique(codes[codes >= 0])}
    unknown = [label for label in params.held_out if label not in there]
    if unknown and there and params.keep == "held_out":
        raise RecipeError(
            f"{place}.held_out", f"no document is {unknown[0]!r}; there are {', '.join(sorted(there)[:20])}"
        )
    trained = [label.split(params.separator) for label in sorted(there - set(params.held_out))]
    for label in params.held_out if there else []:
        for number, value in enumerate(label.split(params.separator)):
            if not any(len(parts) > number and parts[number] == value for parts in trained):
                raise RecipeError(
                    f"{place}.held_out",
                    f"{value!r} of {label!r} stands in no combination that is trained on; hold out fewer",
                )
    held = np.array([*(label in params.held_out for label in labels), False])[codes]
    return held if params.keep == "held_out" else ~held & (codes >= 0)
