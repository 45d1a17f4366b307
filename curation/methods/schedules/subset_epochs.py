"""Epochs over a subset of good documents with replay (stability gap, Guo et al. 2024): strategies I, II and III."""

from __future__ import annotations

from dataclasses import replace

from curation.methods import mixers
from curation.methods.mixers import MixContext
from curation.methods.schedules.types import ScheduleContext, phase_of
from schemas.errors import RecipeError
from schemas.phases import Phase
from schemas.schedules import SubsetEpochs

HALVINGS = 60


def subset_epochs(params: SubsetEpochs, context: ScheduleContext) -> list[Phase]:
    """One phase an epoch, all of one composition: the subset whole, replay as the mixture says.

    Raises RecipeError where no document is in the subset, or its weight is 0.
    """
    tokens = params.tokens
    if tokens is None:
        tokens = once(params, context)
    return [
        phase_of(
            params,
            number + 1,
            tokens=tokens,
            mixture=params.mixture,
            draw=params.name if params.replay == "frozen" else None,
        )
        for number in range(params.epochs)
    ]


def once(params: SubsetEpochs, context: ScheduleContext) -> int:
    """The budget with which the subset is read exactly once, in tokens."""
    place = f"{context.place}.subset"
    sizes = context.sizes(params.pool, params.mixture.grouping)
    if params.subset not in sizes.labels:
        raise RecipeError(
            place, f"no document of the pool has the label {params.subset!r} of {params.mixture.grouping!r}"
        )
    at = sizes.labels.index(params.subset)
    given = MixContext(seed=context.seed, losses=context.losses, place=f"{context.place}.mixture")

    def gives(budget: float) -> float:
        """Tokens of the subset in a budget."""
        return float(mixers.mix(sizes, params.mixture, replace(given, budget=budget))[at]) * budget

    wanted = float(sizes.tokens[at])
    weight = float(mixers.mix(sizes, params.mixture, given)[at])
    if weight == 0:
        raise RecipeError(place, f"the mixture gives {params.subset!r} no weight")
    budget = wanted / weight
    if abs(gives(budget) - wanted) > 1e-6 * wanted:  # a mixture whose weights follow the budget, such as UniMax
        low, high = wanted, max(float(sizes.tokens.sum()) * 2, budget)
        for _ in range(HALVINGS):
            budget = (low + high) / 2
            low, high = (budget, high) if gives(budget) < wanted else (low, budget)
    return max(1, round(budget))
