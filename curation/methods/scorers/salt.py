"""SALT's score of a document: the median loss of the tokens that are within a small model's reach.

Source: SALT (Rawat et al. 2024), equation 10 as read in secondary sources: score = median of −log P(x_t) over the t
where x_t is among the small model's top k = 10. Whether other tokens are left out or count as 0 is not known:
``outside`` chooses. High is hard and yet learnable; duplicates (low loss) and noise (out of reach) score low.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation.methods.scorers.ragged import flat, medians, owners
from schemas.scorers import Salt


def salt(documents: pa.Table, params: Salt) -> npt.NDArray[np.float64]:
    """float64[n]; NaN where no token is in reach, or the two lists differ in length."""
    losses, sizes = flat(documents, params.losses)
    reach, reach_sizes = flat(documents, params.in_reach)
    n = len(sizes)
    fits = sizes == reach_sizes
    losses = losses[np.repeat(fits, sizes)]
    inside = reach[np.repeat(fits, reach_sizes)] > 0
    rows = owners(np.where(fits, sizes, 0))
    any_inside = np.bincount(rows[inside], minlength=n) > 0
    if params.outside == "drop":
        return medians(losses[inside], rows[inside], n)
    return np.where(any_inside, medians(np.where(inside, losses, 0.0), rows, n), np.nan)
