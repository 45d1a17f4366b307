"""Mixers: one function a file, `(sizes, params, context) -> float64[g]`, weights that are not negative and sum to 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from curation.methods.mixers.aioli import aioli
from curation.methods.mixers.doge import doge
from curation.methods.mixers.doremi import doremi
from curation.methods.mixers.fixed import fixed
from curation.methods.mixers.frozen import with_frozen
from curation.methods.mixers.mixing_law import mixing_law
from curation.methods.mixers.moving import course, mean
from curation.methods.mixers.nested import nested
from curation.methods.mixers.olmix import olmix
from curation.methods.mixers.pools import pools
from curation.methods.mixers.proportional import proportional
from curation.methods.mixers.quality_curve import quality_curve
from curation.methods.mixers.regmix import regmix
from curation.methods.mixers.rehearsal import exponential_rehearsal, power_law_rehearsal
from curation.methods.mixers.repetitions import factors_of, repetitions, sigmoid, sigmoid_copies
from curation.methods.mixers.skill_it import skill_it
from curation.methods.mixers.temperature import temperature
from curation.methods.mixers.types import MixContext, Sizes, Weights
from curation.methods.mixers.uniform import uniform
from curation.methods.mixers.unimax import unimax
from curation.methods.mixers.zipf import zipf
from schemas import mixers as models

__all__ = ["FUNCTIONS", "MixContext", "Sizes", "copies", "course", "mean", "mix"]

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
    models.QualityCurve: quality_curve,
    models.Sigmoid: sigmoid,
    models.Repetitions: repetitions,
    models.RegMix: regmix,
    models.MixingLaw: mixing_law,
    models.Olmix: olmix,
}


def mix(sizes: Sizes, params: Any, context: MixContext) -> Weights:
    """The mixture's weights for these groups. Raises RecipeError naming the place in the recipe."""
    if params.inside is not None:
        return nested(sizes, params, context, mix)
    function = FUNCTIONS[type(params)]
    if isinstance(params, models.Online) and context.losses is not None:
        context = replace(context, losses=context.losses.of_split(params.split))
    if getattr(params, "frozen", None):
        return with_frozen(
            sizes, params.frozen, params.grouping, context, lambda merged: function(merged, params, context)
        )
    return function(sizes, params, context)


def moving(sizes: Sizes, params: models.Moving, context: MixContext) -> Weights:
    """The mean of weights that move over the phase: float64[g]. Raises RecipeError at the end that cannot be had."""
    return mean(course(sizes, params, context, mix))


FUNCTIONS[models.Moving] = moving


def copies(sizes: Sizes, params: Any, context: MixContext) -> Weights | None:
    """The copies of each group that the mixture gives where its phase has no budget, float64[g]; None: each document once."""
    if params.inside is not None:
        return None
    if isinstance(params, models.Repetitions):
        return factors_of(sizes, params, context)
    if isinstance(params, models.Sigmoid):
        return sigmoid_copies(sizes, params)
    return None
