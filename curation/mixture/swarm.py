"""A swarm of proxy runs: the mixtures of one of a recipe's phases, and what each run draws from the pool.

All runs draw alike: of a group each takes the first documents of one permutation, as many as its weight asks, so that runs differ by
their mixtures alone and the texts of all of them together are few.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curation.methods import formatters, mixers
from curation.methods.mixers import Sizes
from curation.methods.mixers.frozen import with_frozen
from curation.methods.swarm_mixtures import draw_mixtures
from curation.mixture import plan as plan_stage
from curation.mixture.inherited import conditioning_of, mixture_of
from curation.mixture.plan import Feedback, Groups
from curation.mixture.planning import groups_in, plan_of_pool, trained_on
from curation.mixture.pool import Pool
from curation.mixture.schedule import Drawn, Schedule, draw, evaluated, schedule
from schemas.errors import RecipeError
from schemas.groups import SEPARATOR
from schemas.manifest import SwarmDraw
from schemas.mixers import Fixed, Mixer, Mixture, Olmix, Proportional
from schemas.orders import Shuffle
from schemas.phases import Phase
from schemas.plan import Plan, PlannedPhase
from schemas.recipe import Recipe

TEXTS = "texts"
"""The phase of the release that holds what the runs read."""
GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Asked:
    """What is asked of a swarm: how many runs, tokens of each, whose mixture varies (a phase's name; None: the only one), and how
    it is drawn (None: as Olmix does where the mixture is its or groups by several names, else as RegMix)."""

    runs: int
    tokens: int
    phase: str | None = None
    draw: SwarmDraw | None = None


@dataclass(frozen=True)
class Swarm:
    """The planned phases of the runs, of one name, with weights over the same labels."""

    draw: SwarmDraw
    phases: tuple[PlannedPhase, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        return self.phases[0].labels


def plan_swarm(recipe: Recipe, pool: Pool, asked: Asked) -> Swarm:
    """Every run planned. Raises RecipeError with the place for what a swarm cannot vary or share, and for mixtures that the
    groups cannot give."""
    groups = groups_in(recipe, pool, trained_on(recipe, pool))
    phase, place = _chosen(plan_stage.expand(recipe, groups, Feedback()), asked.phase)
    mixture = mixture_of(phase, recipe)
    _refuse_what_cannot_be_shared(recipe, phase, place)
    if mixture is None:
        raise RecipeError(f"{place}.mixture", "a swarm varies the weights of a mixture's groups, and there is none")
    sizes = groups.sizes(phase, place, mixture.grouping)
    drawn_as = asked.draw or ("olmix" if isinstance(mixture, Olmix) or len(mixture.names()) > 1 else "regmix")
    weights = _mixtures(sizes, mixture, asked, drawn_as, recipe.seed)
    known = Groups(lambda *_: sizes, groups.means)
    return Swarm(drawn_as, tuple(_planned(recipe, phase, mixture, row, sizes, known, asked) for row in weights))


def _chosen(phases: list[tuple[Phase, str]], name: str | None) -> tuple[Phase, str]:
    names = ", ".join(phase.name for phase, _ in phases)
    if name is None and len(phases) > 1:
        raise RecipeError("phases", f"a swarm varies the mixture of one phase; say which with --phase: {names}")
    for phase, place in phases:
        if name in (None, phase.name):
            return phase, place
    raise RecipeError("phases", f"no phase is named {name!r}; there are {names}")


def _refuse_what_cannot_be_shared(recipe: Recipe, phase: Phase, place: str) -> None:
    """Raises RecipeError for what makes a text, or a row, another in each run, and for an order that runs do not have."""
    if recipe.shards.sequence_length is not None:
        raise RecipeError(
            "shards.sequence_length",
            "packed rows are others in each run, so that no text is shared; set it to null here, and pack in the trainer",
        )
    if type(conditioning_of(phase, recipe)) in formatters.DRAW_LOTS:
        raise RecipeError(
            f"{place}.conditioning", "its formatter draws anew for each copy, and a swarm's runs share their texts"
        )
    if phase.order != "shuffle" and not isinstance(phase.order, Shuffle):
        raise RecipeError(f"{place}.order", "the runs of a swarm are shuffled; set it to shuffle here")


def _mixtures(sizes: Sizes, mixture: Mixer, asked: Asked, drawn_as: SwarmDraw, seed: int) -> npt.NDArray[np.float64]:
    """float64[runs, g]; groups that are frozen vary as one."""

    def drawn(of: Sizes) -> npt.NDArray[np.float64]:
        return draw_mixtures(
            drawn_as,
            of,
            nested=len(mixture.names()) > 1,
            runs=asked.runs,
            budget=asked.tokens,
            max_epochs=mixture.innermost.max_epochs,
            seed=seed,
        )

    frozen = getattr(mixture, "frozen", None)
    if frozen is None:
        return drawn(sizes)
    context = mixers.MixContext(budget=asked.tokens, seed=seed)
    return with_frozen(sizes, frozen, mixture.grouping, context, drawn)


def _planned(
    recipe: Recipe,
    phase: Phase,
    mixture: Mixture,
    weights: npt.NDArray[np.float64],
    sizes: Sizes,
    known: Groups,
    asked: Asked,
) -> PlannedPhase:
    """The phase with these weights and its own tokens."""
    names = mixture.names()
    fixed = Fixed(
        method="fixed",
        by=names[0] if len(names) == 1 else names,
        weights=dict(zip(sizes.labels, weights.tolist(), strict=True)),
        max_epochs=mixture.innermost.max_epochs,
    )
    conditioning = conditioning_of(phase, recipe)
    budget = {"share": None, "records": None, "epochs": None, "tokens": asked.tokens}
    alone = phase.model_copy(update={**budget, "mixture": fixed, "conditioning": conditioning})
    (made,) = plan_stage.plan(recipe.model_copy(update={"phases": [alone]}), known, Feedback()).phases
    return made


def drawn_by(pool: Pool, recipe: Recipe, swarm: Swarm) -> Iterator[Drawn]:
    """What each run draws."""
    trained = trained_on(recipe, pool)
    for phase in swarm.phases:
        yield draw(trained, phase, recipe.seed)


def plan_texts(recipe: Recipe, pool: Pool, swarm: Swarm, used: npt.NDArray[np.bool_]) -> tuple[Plan, Schedule]:
    """The release of all that the runs read: ``used``, bool[n], each document once, shuffled; evaluations as the recipe has them."""
    first = swarm.phases[0]
    names = (first.by or "").split(SEPARATOR)
    grouped = Proportional(by=names[0] if len(names) == 1 else names)
    texts = Phase(name=TEXTS, epochs=1, mixture=grouped, conditioning=first.conditioning)
    own = plan_stage.evaluations(recipe)
    whole = recipe.model_copy(update={"phases": [texts]})
    read = pool.without(~used)
    plan = plan_of_pool(whole, read, Feedback())
    made = schedule(read, plan, seed=recipe.seed)
    if not own:
        return plan, made
    beside = plan_stage.plan_evaluations(recipe, groups_in(recipe, pool, pool))
    plan = Plan(plan.phases, beside)
    return plan, Schedule(made.document, made.phase, made.epoch, made.notes, evaluated(pool, plan, recipe.seed))


def in_order(rows: npt.NDArray[np.int64], passes: npt.NDArray[np.int64], texts: int) -> npt.NDArray[np.int64]:
    """A run's order: int64[n], places of ``rows``. rows: positions in the texts, of which there are ``texts``; passes: of each.

    The texts are shuffled, and a first pass stands in their order; each pass after it begins elsewhere, a golden section further on,
    so that the copies of a document are spread, and whoever reads a run reads the texts in order, once a pass.
    """
    place = (rows / max(texts, 1) + passes * GOLDEN) % 1.0
    return np.lexsort((passes, rows, place))
