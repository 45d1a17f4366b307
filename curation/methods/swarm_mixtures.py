"""The mixtures of a swarm of proxy runs, as RegMix and Olmix draw them.

RegMix (Liu et al. 2025, ``synthesize_mixture.py``): the prior is the groups' shares^½. A candidate is one Dirichlet draw at each of 15
strengths from .1 to 5, of which one is picked; one with a group over 15 times its share is rejected; weights under 2e-4 become 0, the
others multiples of it.
Olmix (Ai2 2026): the groups of the first name, then those inside each, from Dirichlets of their own; what is out of bounds is left
out before one strength is picked; 2e-3 instead of 2e-4, and a mixture within .01 of another is rejected.

Both: ten candidates a run, of which the runs are picked; a weight is at most what the group can give in ``max_epochs`` passes, after
rounding too. Rounded weights need not sum to 1; here they are divided by their sum, so that they need not be multiples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from curation import seeds
from curation.methods.mixers.types import Sizes, Weights, normalised, proportions
from schemas.errors import RecipeError
from schemas.groups import parted
from schemas.manifest import SwarmDraw

Matrix = npt.NDArray[np.float64]
TEMPERATURE = 0.5
"""Exponent of the shares."""
STRENGTHS = np.logspace(np.log10(0.1), np.log10(5.0), 15)
CANDIDATES = 10
"""Drawn for each run that is asked."""
TRIES = 200
"""Batches of candidates at most; where so few hold the bounds, the runs that are asked cannot be had."""
REGMIX_MOST = 15.0
"""A group weighs so many times its share at most."""
NEAR = {"regmix": 1e-5, "olmix": 0.01}
"""Mixtures nearer than this (Euclid) are the same."""
MINIMUM = {"regmix": 2e-4, "olmix": 2e-3}
EXACT = 1e-12


@dataclass(frozen=True)
class Bounds:
    """least: weights below it become 0; most: float64[g], what each group may weigh."""

    least: float
    most: Weights


def draw_mixtures(
    draw: SwarmDraw, sizes: Sizes, *, nested: bool, runs: int, budget: float, max_epochs: float | None, seed: int
) -> Matrix:
    """Mixtures float64[runs, g], rows that sum to 1, no two alike.

    nested: whether labels are joined of several names'. budget: of a run, in the unit of the groups.

    Raises RecipeError for fewer than two groups, and where the bounds leave too few mixtures.
    """
    if len(sizes.labels) < 2:
        raise RecipeError("mixture.by", f"a swarm varies the weights of groups, and there is one only: {sizes.labels}")
    most = np.ones(len(sizes.labels))
    if draw == "regmix":
        most = np.minimum(most, REGMIX_MOST * proportions(sizes))
    if max_epochs is not None:
        most = np.minimum(most, sizes.room * max_epochs / budget)
    if most.sum() < 1:
        raise RecipeError(
            "mixture.max_epochs",
            f"at most {max_epochs:g} passes the groups give {most.sum():.0%} of a run; ask for fewer tokens a run, or raise it",
        )
    bounds = Bounds(MINIMUM[draw], most)
    generator = seeds.rng(seed, "swarm", draw)
    found = np.empty((0, len(sizes.labels)))
    batch = CANDIDATES * runs
    for _ in range(TRIES):
        if draw == "regmix":
            made = _regmix(sizes, bounds, batch, generator)
        else:
            made = _olmix(sizes, bounds, batch, generator, nested=nested)
        found = _apart(found, made, NEAR[draw], batch)
        if len(found) == batch:
            break
    if len(found) < runs:
        raise RecipeError(
            "mixture.max_epochs",
            f"only {len(found)} of {runs} mixtures could be drawn within the bounds of what groups can give; ask for fewer runs, or fewer tokens a run",
        )
    return found[generator.permutation(len(found))[:runs]]


def _regmix(sizes: Sizes, bounds: Bounds, n: int, generator: np.random.Generator) -> Matrix:
    """Of n candidates those that hold the bounds, rounded."""
    prior = normalised(proportions(sizes) ** TEMPERATURE)
    drawn = _dirichlets(prior, n, generator)[np.arange(n), generator.integers(len(STRENGTHS), size=n)]
    return _rounded(drawn[(drawn <= bounds.most).all(axis=1)], bounds)


def _olmix(sizes: Sizes, bounds: Bounds, n: int, generator: np.random.Generator, *, nested: bool) -> Matrix:
    """Of n candidates those of which a strength holds the bounds, rounded."""
    outer = [parted(label)[0] if nested else label for label in sizes.labels]
    names = sorted(set(outer))
    members = [np.array([i for i, name in enumerate(outer) if name == one]) for one in names]
    held = proportions(sizes)
    of_outer = normalised(np.array([held[mine].sum() for mine in members]) ** TEMPERATURE)
    tops = _dirichlets(of_outer, n, generator)
    drawn = np.empty((n, len(STRENGTHS), len(outer)))
    for number, mine in enumerate(members):
        inside = _dirichlets(normalised(held[mine] ** TEMPERATURE), n, generator)
        drawn[:, :, mine] = tops[:, :, number, None] * inside
    sound = np.asarray((drawn <= bounds.most).all(axis=2))
    some = np.flatnonzero(sound.any(axis=1))
    # One of the sound strengths, each as likely: the greatest of random numbers where the others have none.
    pick = np.where(sound[some], generator.random((len(some), len(STRENGTHS))), -1.0).argmax(axis=1)
    return _rounded(drawn[some, pick], bounds)


def _dirichlets(prior: Weights, n: int, generator: np.random.Generator) -> Matrix:
    """float64[n, strengths, g]."""
    return np.stack([generator.dirichlet(prior * strength, size=n) for strength in STRENGTHS], axis=1)


def _rounded(drawn: Matrix, bounds: Bounds) -> Matrix:
    """Weights under the least 0, the others multiples of it, divided by their sum; what is out of bounds then is left out."""
    kept = np.where(drawn < bounds.least, 0.0, drawn)
    kept = kept[kept.sum(axis=1) > 0]
    whole = np.round(kept / kept.sum(axis=1, keepdims=True) / bounds.least)
    made = whole / whole.sum(axis=1, keepdims=True)
    return made[(made <= bounds.most + EXACT).all(axis=1)]


def _apart(found: Matrix, made: Matrix, near: float, enough: int) -> Matrix:
    """What was found, and of what was made each that is not near one that stays before it, up to ``enough``."""
    every = np.concatenate([found, made])
    every = every[np.sort(np.unique(every, axis=0, return_index=True)[1])]
    pairs = np.sort(cKDTree(every).query_pairs(near, output_type="ndarray"), axis=1)
    stays = np.ones(len(every), dtype=bool)
    for first, second in pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))].tolist():
        stays[second] &= not stays[first]
    return every[stays][:enough]
