"""Proportional mixture: p_i = tokens_i / Σ tokens."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation.mixers.types import MixContext, Sizes
from schemas.mixers import Proportional


def proportional(sizes: Sizes, params: Proportional, context: MixContext) -> npt.NDArray[np.float64]:
    """Weights float64[g] in the groups' natural proportions."""
    return sizes.tokens / sizes.tokens.sum()
