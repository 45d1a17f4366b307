"""*plan*: (group sizes, recipe, optional loss report) to phases with weights and budgets. A pure function.

It knows how many documents and tokens each group has, never the documents.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from curation import budgets, mixers, schedules
from curation.losses import LossReport
from schemas.errors import RecipeError
from schemas.formatters import Conditioning
from schemas.mixers import Mixture
from schemas.phases import Phase
from schemas.plan import Plan, PlannedPhase
from schemas.recipe import Recipe

SizesOf = Callable[[Phase, str | None], mixers.Sizes]
"""The groups of a phase's pool by a name (None: one group of all): labels, documents and tokens as the phase writes."""

DEFAULT_PHASE = Phase(name="all", epochs=1)


def expand(recipe: Recipe) -> list[tuple[Phase, str]]:
    """The recipe's plain phases in order, each with its place in the recipe.

    Raises RecipeError where two phases come to have the same name.
    """
    if not recipe.phases:
        return [(DEFAULT_PHASE, "phases")]
    plain: list[tuple[Phase, str]] = []
    names: set[str] = set()
    for index, entry in enumerate(recipe.phases):
        for phase in schedules.expand(entry):
            if phase.name in names:
                raise RecipeError(f"phases[{index}].name", f"a second phase is named {phase.name!r}; choose another")
            names.add(phase.name)
            plain.append((phase, f"phases[{index}]"))
    return plain


def mixture_of(phase: Phase, recipe: Recipe) -> Mixture | None:
    """The phase's mixture, inherited where it says so."""
    return recipe.mixture if phase.mixture == "inherit" else phase.mixture


def conditioning_of(phase: Phase, recipe: Recipe) -> Conditioning | None:
    """The phase's conditioning, inherited where it says so."""
    return recipe.conditioning if phase.conditioning == "inherit" else phase.conditioning


def plan(recipe: Recipe, phases: list[tuple[Phase, str]], sizes_of: SizesOf, losses: LossReport | None = None) -> Plan:
    """Weights and budgets of every phase.

    Raises RecipeError with the place for a pool without documents, weights that cannot be had, a budget that the
    pool and its cap cannot give.
    """
    shares = [index for index, (phase, _) in enumerate(phases) if phase.share is not None]
    whole = bool(shares) and abs(sum(phases[i][0].share or 0 for i in shares) - 1) < 1e-9
    planned: list[PlannedPhase] = []
    for index, (phase, place) in enumerate(phases):
        planned.append(
            _plan_phase(
                phase,
                place,
                recipe,
                sizes_of,
                losses,
                stage=index,
                stages=len(phases),
                takes_rest=whole and index == shares[-1],
                previous=planned[-1] if planned else None,
            )
        )
    return Plan(tuple(planned))


def _plan_phase(
    phase: Phase,
    place: str,
    recipe: Recipe,
    sizes_of: SizesOf,
    losses: LossReport | None,
    *,
    stage: int,
    stages: int,
    takes_rest: bool,
    previous: PlannedPhase | None,
) -> PlannedPhase:
    mixture = mixture_of(phase, recipe)
    mixture_place = f"{place}.mixture" if phase.mixture != "inherit" else "mixture"
    sizes = sizes_of(phase, mixture.by if mixture is not None else None)
    if not len(sizes.labels) or sizes.documents.sum() == 0:
        raise RecipeError(
            f"{place}.pool", f"phase {phase.name!r}: no document of the pool is in it; loosen its filters"
        )
    if mixture is None:
        weights = sizes.tokens / sizes.tokens.sum()
    else:
        held = None
        if previous is not None and previous.labels == sizes.labels:
            held = np.array(previous.weights)
        weights = mixers.mix(
            sizes,
            mixture,
            mixers.MixContext(stage=stage, stages=stages, losses=losses, previous=held, place=mixture_place),
        )
    unit: Literal["tokens", "records"] = "records" if phase.records is not None else "tokens"
    have = sizes.documents.astype(float) if unit == "records" else sizes.tokens.astype(float)
    kind, asked = _budget(phase)
    amount = asked * have.sum() if kind in ("share", "epochs") else float(asked)
    exhausted = mixture.exhausted if mixture is not None else "repeat"
    cap = mixture.max_epochs if mixture is not None else None
    if kind == "epochs" and cap is not None:
        cap = max(cap, float(asked))  # the passes that the recipe asks for in so many words are no surprise
    if kind == "share":
        exhausted, cap = "redistribute", 1.0
    targets, notes = budgets.allot(weights, amount, have, exhausted=exhausted, max_epochs=cap)
    short = amount - targets.sum()
    if short > 1e-6 * amount and exhausted != "stop" and kind in ("tokens", "records"):
        most = targets.sum()
        raise RecipeError(
            f"{place}.{kind}",
            f"phase {phase.name!r}: {asked:,} {unit} asked, the pool can give {most:,.0f} "
            f"({have.sum():,.0f} {unit}, at most {cap:g} epochs of a group); lower the budget or raise max_epochs",
        )
    if unit == "records":
        targets = budgets.apportion(targets / targets.sum(), round(targets.sum())).astype(float)
    return PlannedPhase(
        name=phase.name,
        place=place,
        pool=phase.pool,
        by=mixture.by if mixture is not None else None,
        labels=sizes.labels,
        weights=tuple(float(w) for w in weights),
        targets=tuple(float(t) for t in targets),
        unit=unit,
        budget={"unit": unit, "given": kind, kind: asked, "amount": round(amount, 6)},
        order=phase.order,
        conditioning=conditioning_of(phase, recipe),
        exhausted=exhausted,
        max_epochs=cap,
        disjoint=kind == "share",
        takes_rest=takes_rest,
        passes=kind == "epochs",
        notes=tuple(notes),
    )


def _budget(phase: Phase) -> tuple[str, float]:
    for kind in ("share", "tokens", "records", "epochs"):
        value = getattr(phase, kind)
        if value is not None:
            return kind, value
    return "epochs", 1
