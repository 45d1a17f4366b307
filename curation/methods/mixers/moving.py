"""Weights that move from one mixture to another over a phase, and the place of every document that follows from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from curation.arrays.sorting import place_in_run
from curation.methods.mixers.types import MixContext, Sizes, Weights, normalised
from schemas.mixers import Moving
from schemas.plan import Course

Mix = Callable[[Sizes, Any, MixContext], Weights]
GRID = np.linspace(0.0, 1.0, (1 << 16) + 1)
"""Where the cosine's integral is taken; between, it is straight to 1e-10."""
TICKS = 1 << 40
"""Places are whole ticks of the phase: what floats may differ by in their last bit moves nothing."""


def course(sizes: Sizes, params: Moving, context: MixContext, mix: Mix) -> Course:
    """The weights at both ends. mix: gives those of a mixture. Raises RecipeError at the end that cannot be had."""
    ends = []
    for name in ("start", "end"):
        one = getattr(params, name).model_copy(update={"by": params.by})
        ends.append(mix(sizes, one, replace(context, place=f"{context.place}.{name}")))
    return Course(params.shape, params.at, *(tuple(map(float, weights)) for weights in ends))


def mean(of: Course) -> Weights:
    """The mean of the weights over the phase: float64[g]."""
    late = 1 - of.at if of.shape == "step" else 0.5
    return normalised((1 - late) * np.array(of.start) + late * np.array(of.end))


def places(of: Course, groups: npt.NDArray[np.int64], amounts: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The order of documents, each group's in the order that they come in: indices, int64[n].

    groups: of each document, -1 for none; amounts: what each takes of the budget. The middle of a document stands where its group
    has had as much, of all that it gives the phase, as by the course it is to have had: at every point of the phase each group is
    within a document of what its weights ask.
    """
    by_group = np.argsort(groups, kind="stable")
    of_group, amount = groups[by_group], amounts[by_group]
    sums = np.cumsum(amount)
    first = np.arange(len(groups)) - place_in_run(of_group)
    before = sums[first] - amount[first]
    last = np.append(np.flatnonzero(np.diff(of_group)), len(of_group) - 1)
    totals = np.repeat(sums[last] - before[last], np.diff(np.concatenate([[-1], last])))
    share = np.where(totals > 0, (sums - amount / 2 - before) / np.where(totals > 0, totals, 1), 0.5)
    start, end = (np.array([*weights, 1.0]) for weights in (of.start, of.end))
    when = np.empty(len(groups))
    for begin, stop in zip(np.unique(first), last + 1, strict=True):
        group = of_group[begin]
        when[begin:stop] = _when(of, share[begin:stop], start[group], end[group])
    ticks = np.empty(len(groups), dtype=np.int64)
    ticks[by_group] = np.floor(when * TICKS).astype(np.int64)
    return np.lexsort((np.arange(len(groups)), groups, ticks))


def _when(of: Course, share: Weights, start: float, end: float) -> Weights:
    """t where a group with these weights at both ends has had this share of all it gives: float64[n]."""
    if of.shape == "step":
        early, late = of.at * start, (1 - of.at) * end
        given = share * (early + late)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(given <= early, np.divide(given, start), of.at + np.divide(given - early, end))
    given = share * (start + end) / 2
    if of.shape == "linear":
        return 2 * given / (start + np.sqrt(start**2 + 2 * (end - start) * given))
    reached = start * GRID + (end - start) * (GRID / 2 - np.sin(np.pi * GRID) / (2 * np.pi))
    return np.interp(given, reached, GRID)
