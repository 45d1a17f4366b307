"""Mixers: one function a file, `(sizes, params, context) -> float64[g]`, weights that are not negative and sum to 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curation.mixers.aioli import aioli
from curation.mixers.doge import doge
from curation.mixers.doremi import doremi
from curation.mixers.fixed import fixed
from curation.mixers.mixing_law import mixing_law
from curation.mixers.olmix import olmix
from curation.mixers.pools import pools
from curation.mixers.proportional import proportional
from curation.mixers.regmix import regmix
from curation.mixers.rehearsal import exponential_rehearsal, power_law_rehearsal
from curation.mixers.skill_it import skill_it
from curation.mixers.temperature import temperature
from curation.mixers.types import MixContext, Sizes, Weights
from curation.mixers.uniform import uniform
from curation.mixers.unimax import unimax
from curation.mixers.zipf import zipf
from schemas import mixers as models

__all__ = ["FUNCTIONS", "MixContext", "Sizes", "mix"]

FUNCTIONS: dict[type, Callable[[Sizes, Any, MixContext], Weights]] = {
    models.Proportional: proportional,
    models.Fixed: fixed,
    models.Uniform: uniform,
    models.Temperature: temperature,
    models.UniMax: unimax,
    models.Zipf: zipf,
    models.Pools: pools,
    models.PowerLawRehearsal: power_law_rehearsal,
    models.ExponentialRehearsal: exponential_rehearsal,
    models.SkillIt: skill_it,
    models.DoReMi: doremi,
    models.DoGE: doge,
    models.Aioli: aioli,
    models.RegMix: regmix,
    models.MixingLaw: mixing_law,
    models.Olmix: olmix,
}


def mix(sizes: Sizes, params: Any, context: MixContext) -> Weights:
    """The mixture's weights for these groups. Raises RecipeError naming the place in the recipe."""
    return FUNCTIONS[type(params)](sizes, params, context)
