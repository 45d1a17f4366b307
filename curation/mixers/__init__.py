"""Mixers: one function a file, `(sizes, params, context) -> float64[g]`, weights that are not negative and sum to 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from curation.mixers.fixed import fixed
from curation.mixers.proportional import proportional
from curation.mixers.temperature import temperature
from curation.mixers.types import MixContext, Sizes
from schemas import mixers as models

__all__ = ["FUNCTIONS", "MixContext", "Sizes", "mix"]

FUNCTIONS: dict[type, Callable[[Sizes, Any, MixContext], npt.NDArray[np.float64]]] = {
    models.Proportional: proportional,
    models.Fixed: fixed,
    models.Temperature: temperature,
}


def mix(sizes: Sizes, params: Any, context: MixContext) -> npt.NDArray[np.float64]:
    """The mixture's weights for these groups. Raises RecipeError naming the place in the recipe."""
    return FUNCTIONS[type(params)](sizes, params, context)
