"""What a phase takes from its recipe."""

from __future__ import annotations

from schemas.formatters import Conditioning
from schemas.mixers import Mixture
from schemas.phases import Phase
from schemas.recipe import Recipe


def mixture_of(phase: Phase, recipe: Recipe) -> Mixture | None:
    """The phase's mixture, inherited where it says so."""
    return recipe.mixture if phase.mixture == "inherit" else phase.mixture


def conditioning_of(phase: Phase, recipe: Recipe) -> Conditioning | None:
    """The phase's conditioning, inherited where it says so."""
    return recipe.conditioning if phase.conditioning == "inherit" else phase.conditioning
