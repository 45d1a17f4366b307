"""*plan*: (group sizes, recipe, optional loss report) to phases with weights and budgets. A pure function.

It knows how many documents and tokens each group has, never the documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.methods import budgets, mixers, schedules
from curation.methods.losses import LossReport
from curation.methods.mixers import Sizes
from curation.mixture.borders import softened
from curation.mixture.inherited import conditioning_of, mixture_of
from schemas.errors import RecipeError
from schemas.mixers import Mixer, Moving, Pools, QualityCurve, Repetitions, Sigmoid, UniMax
from schemas.phases import Phase, Pool
from schemas.plan import Course, Fit, Plan, PlannedPhase, Unit
from schemas.recipe import Recipe
from schemas.schedules import Rounds

WORTH = 4
"""Passes over the same text up to which another is worth nearly what new text is (Muennighoff et al. 2023)."""
BUDGETS = ("share", "tokens", "records", "epochs")
Copies = QualityCurve | Sigmoid | Repetitions
"""Mixtures that say how often documents are repeated: copies are spread over their phase, not pass after pass."""
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
    names = {phase.name for phase, _ in evaluations(recipe)}
    for index, entry in enumerate(recipe.phases):
        place = f"phases[{index}]"
        if isinstance(entry, Phase) and entry.evaluation:
            continue

        def sizes(pool: Pool, by: str | None, entry: object = entry, place: str = place) -> Sizes:
            asking = Phase(name="sizes", pool=pool, conditioning=getattr(entry, "conditioning", "inherit"))
            return groups.sizes(asking, place, by)

        losses = feedback.losses.of_split(strict=False) if feedback.losses is not None else None
        context = schedules.ScheduleContext(sizes, groups.means, losses, recipe.seed, place)
        for phase in schedules.expand(entry, context):
            if phase.name in names:
                raise RecipeError(f"{place}.name", f"a second phase is named {phase.name!r}; choose another")
            names.add(phase.name)
            plain.append((phase, place))
    return softened(plain, recipe)


def evaluations(recipe: Recipe) -> list[tuple[Phase, str]]:
    """The phases that are not trained on, each with its place in the recipe."""
    return [
        (entry, f"phases[{index}]")
        for index, entry in enumerate(recipe.phases)
        if isinstance(entry, Phase) and entry.evaluation
    ]


def plan(recipe: Recipe, groups: Groups, feedback: Feedback) -> Plan:
    """Weights and budgets of every phase.

    Raises RecipeError with the place for a pool without documents, weights that cannot be had, a budget that the
    pool and its cap cannot give.
    """
    phases = expand(recipe, groups, feedback)
    shares = [index for index, (phase, _) in enumerate(phases) if phase.share is not None]
    all_of_it = bool(shares) and abs(sum(phases[i][0].share or 0 for i in shares) - 1) < 1e-9
    whole = _one_pass([phases[i] for i in shares], groups)
    planned: list[PlannedPhase] = []
    held = dict(feedback.held or {})
    for index, (phase, place) in enumerate(phases):
        takes_rest = all_of_it and index == shares[-1]
        done = _plan_phase(phase, place, recipe, groups, feedback.losses, held, whole=whole, takes_rest=takes_rest)
        if done.by is not None:
            held[done.by] = dict(zip(done.labels, done.weights, strict=True))
        planned.append(done)
    return Plan(tuple(planned), plan_evaluations(recipe, groups))


def plan_evaluations(recipe: Recipe, groups: Groups) -> tuple[PlannedPhase, ...]:
    """What is written beside the shards. Raises RecipeError for a pool without documents."""
    return tuple(_evaluation(*one, recipe, groups) for one in evaluations(recipe))


def _evaluation(phase: Phase, place: str, recipe: Recipe, groups: Groups) -> PlannedPhase:
    """All of the phase's pool, once. Raises RecipeError where it is empty."""
    documents = int(groups.sizes(phase, place, None).documents.sum())
    if not documents:
        raise RecipeError(
            f"{place}.pool", f"phase {phase.name!r}: no document of the pool is in it; loosen its filters"
        )
    return PlannedPhase(
        name=phase.name,
        place=place,
        pool=phase.pool,
        by=None,
        labels=("(all)",),
        weights=(1.0,),
        targets=(float(documents),),
        unit="records",
        budget={"unit": "records", "given": "epochs", "epochs": 1, "amount": documents},
        order=phase.order,
        conditioning=conditioning_of(phase, recipe),
        exhausted="stop",
        max_epochs=1,
    )


def _one_pass(shares: list[tuple[Phase, str]], groups: Groups) -> float | None:
    """Tokens of one pass over the pool that phases by share have in common, each part as its phase writes it.

    Phase i takes the part f_i of the documents and writes f_i · T_i tokens, T_i the pool's in its format. That each
    has its share of what is written, f_i · T_i = s_i · W, and that they take Σ s of the documents, gives
    W = Σ s / Σ (s / T). None where the phases draw from several pools: each share is then of its own phase's pool.
    """
    if not shares or any(phase.pool != shares[0][0].pool for phase, _ in shares):
        return None
    tokens = [float(groups.sizes(phase, place, None).tokens.sum()) for phase, place in shares]
    if not all(tokens):
        return None
    given = [phase.share or 0.0 for phase, _ in shares]
    return sum(given) / sum(share / total for share, total in zip(given, tokens, strict=True))


def _plan_phase(
    phase: Phase,
    place: str,
    recipe: Recipe,
    groups: Groups,
    losses: LossReport | None,
    held: Mapping[str, Mapping[str, float]],
    *,
    whole: float | None,
    takes_rest: bool,
) -> PlannedPhase:
    mixture = mixture_of(phase, recipe)
    unit: Unit = "records" if phase.records is not None else "tokens"
    sizes = replace(groups.sizes(phase, place, mixture.grouping if mixture is not None else None), unit=unit)
    if not len(sizes.labels) or sizes.documents.sum() == 0:
        raise RecipeError(
            f"{place}.pool", f"phase {phase.name!r}: no document of the pool is in it; loosen its filters"
        )
    have = sizes.held.astype(float)
    kind, asked = _budget(phase)
    amount = float(asked)
    if kind in ("share", "epochs"):
        amount = asked * (whole if kind == "share" and whole is not None else float(have.sum()))
    said: list[str] = []
    fits: list[Fit] = []
    course: Course | None = None
    innermost = mixture.innermost if mixture is not None else None
    if kind == "share" and isinstance(innermost, Copies):
        raise RecipeError(
            f"{place}.share",
            f"phases by share give each document once, and {innermost.method} says how often; give tokens, records or epochs",
        )
    if mixture is None:
        weights = have / have.sum()
    else:
        context = mixers.MixContext(
            budget=amount,
            seed=recipe.seed,
            losses=losses,
            held=held.get(mixture.grouping),
            first_round=_first_round(place, recipe) and losses is None,
            place=f"{place}.mixture" if phase.mixture != "inherit" else "mixture",
            fits=fits,
        )
        if losses is not None:
            of_pool = groups.sizes(Phase(name="all", conditioning=None), place, mixture.grouping).labels
            context = replace(context, elsewhere=tuple(sorted(set(of_pool) - set(sizes.labels))))
        copies = mixers.copies(sizes, mixture, context)
        if copies is not None and all(getattr(phase, name) is None for name in BUDGETS):
            amount = float((have * copies).sum())
            kind, asked = "epochs", amount / float(have.sum())
        if isinstance(mixture, Moving):
            course = mixers.course(sizes, mixture, context, mixers.mix)
        weights = mixers.mix(sizes, mixture, context) if course is None else mixers.mean(course)
        if losses is None and getattr(mixture, "without_losses", None) == "hold":
            held_from = "those of the start" if context.held is None else "those of before"
            said.append(f"{mixture.method} follows a loss report and there is none: the weights are {held_from}")
    exhausted = innermost.exhausted if innermost is not None else "repeat"
    cap, strict = _cap(innermost, kind, asked)
    rounding = innermost.rounding if innermost is not None else "largest_remainder"
    if kind == "share":
        exhausted, cap = "redistribute", 1.0
    targets, notes = budgets.allot(weights, amount, have, exhausted=exhausted, max_epochs=cap)
    short = amount - targets.sum()
    if short > 1e-6 * amount:
        limit = f"at most {cap:g} epochs of a group" if exhausted == "repeat" and cap else "each document once"
        gives = f"the pool can give {targets.sum():,.0f} ({have.sum():,.0f} {unit}, {limit})"
        if not strict and exhausted != "stop" and kind in ("tokens", "records"):
            raise RecipeError(
                f"{place}.{kind}",
                f"phase {phase.name!r}: {asked:,} {unit} asked, {gives}; lower the budget, or raise max_epochs",
            )
        notes = [f"stops short: {amount:,.0f} {unit} asked, {gives}"]
    if unit == "records" and targets.sum() > 0:
        draw = seeds.rng(recipe.seed, phase.name, "rounding")
        counts = budgets.whole_counts(targets, have, exhausted, cap, rounding, draw)
        if isinstance(mixture, Pools):  # first the pools, each exact, then the groups of each
            members = [
                np.array([i for i, label in enumerate(sizes.labels) if label in held], dtype=np.int64)
                for held in mixture.pools.values()
            ]
            sums, held_by = (np.array([of[mine].sum() for mine in members]) for of in (targets, have))
            whole_of = budgets.whole_counts(sums, held_by, exhausted, cap, rounding, draw)
            for mine, given, total in zip(members, whole_of, sums, strict=True):
                if given and total > 0:
                    part = targets[mine] * (given / total)
                    counts[mine] = budgets.whole_counts(part, have[mine], exhausted, cap, rounding, draw)
                else:
                    counts[mine] = 0
        targets = counts.astype(float)
    return PlannedPhase(
        name=phase.name,
        place=place,
        pool=phase.pool,
        by=mixture.grouping if mixture is not None else None,
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
        fresh=phase.fresh,
        disjoint=kind == "share",
        takes_rest=takes_rest,
        whole=whole if kind == "share" else None,
        fit=fits[0] if fits else None,
        course=course,
        held=tuple(float(one) for one in have),
        passes=kind == "epochs" and course is None and not isinstance(innermost, Copies),
        apart=isinstance(innermost, Copies),
        pools=tuple((name, tuple(held)) for name, held in mixture.pools.items()) if isinstance(mixture, Pools) else (),
        notes=(*said, *notes, *_repeated(sizes.labels, targets, have)),
    )


def _repeated(labels: tuple[str, ...], targets: npt.NDArray[np.float64], have: npt.NDArray[np.float64]) -> list[str]:
    """What is repeated more often than it is worth, in words."""
    epochs = np.divide(targets, have, out=np.zeros(len(have)), where=have > 0)
    often = np.flatnonzero(epochs > WORTH * (1 + 1e-9))
    if not len(often):
        return []
    most = often[np.argmax(epochs[often])]
    which = f"{labels[most]!r} is" if len(often) == 1 else f"{len(often):,} groups are"
    at = (
        f"{epochs[most]:.3g} times"
        if len(often) == 1
        else f"more than {WORTH} times, {labels[most]!r} {epochs[most]:.3g}"
    )
    return [f"{which} repeated {at}: past {WORTH} passes, another is worth little (Muennighoff et al. 2023)"]


def _cap(mixture: Mixer | None, kind: str, asked: float) -> tuple[float | None, bool]:
    """Passes over a group at most, and whether the mixture's method promises them: its phase then stops and says so,
    where else a budget that cannot be met is refused."""
    if mixture is None:
        return None, False
    cap = mixture.max_epochs
    if kind == "epochs" and cap is not None:
        cap = max(cap, float(asked))  # the passes that the recipe asks for in so many words are no surprise
    if not isinstance(mixture, UniMax):
        return cap, False
    return (mixture.epochs if cap is None else min(cap, mixture.epochs)), True


def _first_round(place: str, recipe: Recipe) -> bool:
    """Whether the entry at ``place`` is one of rounds, whose first needs no report."""
    return any(place == f"phases[{i}]" and isinstance(entry, Rounds) for i, entry in enumerate(recipe.phases))


def _budget(phase: Phase) -> tuple[str, float]:
    for kind in BUDGETS:
        value = getattr(phase, kind)
        if value is not None:
            return kind, value
    return "epochs", 1
