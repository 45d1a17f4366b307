"""Temperature sampling: p_i ∝ tokens_i^(1/T) (Devlin et al. 2019; Arivazhagan et al. 2019)."""

from __future__ import annotations

import numpy as np

from curation.mixers.types import MixContext, Sizes, Weights, normalised
from schemas.mixers import Temperature


def temperature(sizes: Sizes, params: Temperature, context: MixContext) -> Weights:
    """Weights float64[g]; an empty group stays at 0 for any T."""
    powers = np.where(sizes.tokens > 0, (sizes.tokens / sizes.tokens.max()) ** (1 / params.temperature), 0.0)
    return normalised(powers)
