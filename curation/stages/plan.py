"""*plan*: (group sizes, recipe, optional loss report) to phases with weights and budgets. A pure function.

It knows how many documents and tokens each group has, never the documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from curation import budgets, mixers, schedules, seeds
from curation.losses import LossReport
from curation.mixers import Sizes
from schemas.errors import RecipeError
from schemas.formatters import Conditioning
from schemas.mixers import Mixture
from schemas.phases import Phase, Pool
from schemas.plan import Plan, PlannedPhase
from schemas.recipe import Recipe
from schemas.schedules import Rounds

DEFAULT_PHASE = Phase(name="all", epochs=1)


@dataclass(frozen=True)
class Groups:
    """What planning may ask of a pool.

    sizes: (phase, its place, by or None for one group of all) to the groups, documents and tokens as the phase writes.
    means: (pool, by, score) to the mean score of each label.
    """

    sizes: Callable[[Phase, str, str | None], Sizes]
    means: Callable[[Pool, str, str], dict[str, float]]


@dataclass(frozen=True)
class Feedback:
    """What earlier training left: the trainer's losses, and the weights of the release before, by `by` and label."""

    losses: LossReport | None = None
    held: Mapping[str, Mapping[str, float]] | None = None


def expand(recipe: Recipe, groups: Groups, feedback: Feedback) -> list[tuple[Phase, str]]:
    """The recipe's plain phases in order, each with its place in the recipe.

    Raises RecipeError where two phases come to have the same name, or a schedule cannot be had.
    """
    if not recipe.phases:
        return [(DEFAULT_PHASE, "phases")]
    plain: list[tuple[Phase, str]] = []
    names: set[str] = set()
    for index, entry in enumerate(recipe.phases):
        place = f"phases[{index}]"

        def sizes(pool: Pool, by: str | None, entry: object = entry, place: str = place) -> Sizes:
            asking = Phase(name="sizes", pool=pool, conditioning=getattr(entry, "conditioning", "inherit"))
            return groups.sizes(asking, place, by)

        context = schedules.ScheduleContext(sizes, groups.means, feedback.losses, recipe.seed, place)
        for phase in schedules.expand(entry, context):
            if phase.name in names:
                raise RecipeError(f"{place}.name", f"a second phase is named {phase.name!r}; choose another")
            names.add(phase.name)
            plain.append((phase, place))
    return plain


def mixture_of(phase: Phase, recipe: Recipe) -> Mixture | None:
    """The phase's mixture, inherited where it says so."""
    return recipe.mixture if phase.mixture == "inherit" else phase.mixture


def conditioning_of(phase: Phase, recipe: Recipe) -> Conditioning | None:
    """The phase's conditioning, inherited where it says so."""
    return recipe.conditioning if phase.conditioning == "inherit" else phase.conditioning


def plan(recipe: Recipe, groups: Groups, feedback: Feedback) -> Plan:
    """Weights and budgets of every phase.

    Raises RecipeError with the place for a pool without documents, weights that cannot be had, a budget that the
    pool and its cap cannot give.
    """
    phases = expand(recipe, groups, feedback)
    shares = [index for index, (phase, _) in enumerate(phases) if phase.share is not None]
    whole = bool(shares) and abs(sum(phases[i][0].share or 0 for i in shares) - 1) < 1e-9
    planned: list[PlannedPhase] = []
    held = dict(feedback.held or {})
    for index, (phase, place) in enumerate(phases):
        takes_rest = whole and index == shares[-1]
        done = _plan_phase(phase, place, recipe, groups, feedback.losses, held, takes_rest=takes_rest)
        if done.by is not None:
            held[done.by] = dict(zip(done.labels, done.weights, strict=True))
        planned.append(done)
    return Plan(tuple(planned))


def _plan_phase(
    phase: Phase,
    place: str,
    recipe: Recipe,
    groups: Groups,
    losses: LossReport | None,
    held: Mapping[str, Mapping[str, float]],
    *,
    takes_rest: bool,
) -> PlannedPhase:
    mixture = mixture_of(phase, recipe)
    sizes = groups.sizes(phase, place, mixture.by if mixture is not None else None)
    if not len(sizes.labels) or sizes.documents.sum() == 0:
        raise RecipeError(
            f"{place}.pool", f"phase {phase.name!r}: no document of the pool is in it; loosen its filters"
        )
    unit: Literal["tokens", "records"] = "records" if phase.records is not None else "tokens"
    have = sizes.documents.astype(float) if unit == "records" else sizes.tokens.astype(float)
    kind, asked = _budget(phase)
    amount = asked * have.sum() if kind in ("share", "epochs") else float(asked)
    if mixture is None:
        weights = have / have.sum()
    else:
        context = mixers.MixContext(
            budget=amount * (sizes.tokens.sum() / have.sum()),
            seed=recipe.seed,
            losses=losses,
            held=held.get(mixture.by),
            first_round=_first_round(place, recipe) and losses is None,
            place=f"{place}.mixture" if phase.mixture != "inherit" else "mixture",
        )
        weights = mixers.mix(sizes, mixture, context)
    exhausted = mixture.exhausted if mixture is not None else "repeat"
    cap = mixture.max_epochs if mixture is not None else None
    rounding = mixture.rounding if mixture is not None else "largest_remainder"
    if kind == "epochs" and cap is not None:
        cap = max(cap, float(asked))  # the passes that the recipe asks for in so many words are no surprise
    if kind == "share":
        exhausted, cap = "redistribute", 1.0
    targets, notes = budgets.allot(weights, amount, have, exhausted=exhausted, max_epochs=cap)
    short = amount - targets.sum()
    if short > 1e-6 * amount and exhausted != "stop" and kind in ("tokens", "records"):
        limit = f"at most {cap:g} epochs of a group" if exhausted == "repeat" and cap else "each document once"
        raise RecipeError(
            f"{place}.{kind}",
            f"phase {phase.name!r}: {asked:,} {unit} asked, the pool can give {targets.sum():,.0f} "
            f"({have.sum():,.0f} {unit}, {limit}); lower the budget, or raise max_epochs",
        )
    if unit == "records" and targets.sum() > 0:
        draw = seeds.rng(recipe.seed, phase.name, "rounding")
        n = round(targets.sum())
        targets = budgets.apportion(targets / targets.sum(), n, rounding, draw).astype(float)
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
        rounding=rounding,
        draw=phase.draw,
        disjoint=kind == "share",
        takes_rest=takes_rest,
        passes=kind == "epochs",
        notes=tuple(notes),
    )


def _first_round(place: str, recipe: Recipe) -> bool:
    """Whether the entry at ``place`` is one of rounds, whose first needs no report."""
    return any(place == f"phases[{i}]" and isinstance(entry, Rounds) for i, entry in enumerate(recipe.phases))


def _budget(phase: Phase) -> tuple[str, float]:
    for kind in ("share", "tokens", "records", "epochs"):
        value = getattr(phase, kind)
        if value is not None:
            return kind, value
    return "epochs", 1
