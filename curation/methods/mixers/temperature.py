"""Temperature sampling: p_i ∝ n_i^(1/T), n in the phase's unit (Devlin et al. 2019; Arivazhagan et al. 2019)."""

from __future__ import annotations

import numpy as np

from curation.methods.mixers.types import MixContext, Sizes, Weights, normalised
from schemas.mixers import Temperature


def temperature(sizes: Sizes, params: Temperature, context: MixContext) -> Weights:
    """Weights float64[g]; an empty group stays at 0 for any T."""
    powers = np.where(sizes.held > 0, (sizes.held / sizes.held.max()) ** (1 / params.temperature), 0.0)
    return normalised(powers)
