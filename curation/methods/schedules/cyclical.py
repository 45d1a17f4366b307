"""Cyclical curriculum (Kesgin & Amasyali 2023; official ChangeDatasize.py): subsets that grow and shrink.

Each mini-epoch draws int(N · S) documents without replacement, by weight, and reads them once.
"""

from __future__ import annotations

import math

from curation.methods.schedules.types import ScheduleContext, phase_of, then
from schemas.errors import RecipeError
from schemas.phases import Phase
from schemas.schedules import Cyclical
from schemas.selectors import WeightedDraw


def cyclical(params: Cyclical, context: ScheduleContext) -> list[Phase]:
    """One phase a mini-epoch. Raises RecipeError where the pool is so small that a subset would be empty."""
    n = int(context.sizes(params.pool, None).documents.sum())
    if params.sizes == "fractions":
        shares = fractions(params.start, params.end, params.alpha, params.epochs, params.shape)
        counts = [int(n * share + 1e-9) for share in shares]
    else:
        counts = whole_sizes(n, params.start, params.end, params.alpha, math.ceil(n * params.epochs), params.shape)
    if n and not min(counts):
        raise RecipeError(f"{context.place}.start", f"{params.start:g} of {n} documents is none; raise it")
    return [
        phase_of(
            params,
            number + 1,
            epochs=1,
            pool=then(
                params.pool,
                WeightedDraw(
                    method="weighted_draw",
                    by=params.by,
                    documents=count,
                    transform=params.transform if params.by is not None else "none",
                    offset=params.offset,
                    rate=params.rate,
                ),
            ),
            mixture=None,
        )
        for number, count in enumerate(counts)
    ]


def fractions(start: float, end: float, alpha: float, total: float, shape: str = "cycle") -> list[float]:
    """Shares S_0, S_1, … until their sum reaches ``total``; at least one.

    >>> fractions(0.25, 1, 0.5, 2.0)
    [0.25, 0.5, 1]
    """
    shares = [end if shape == "shrinking" else start]
    while sum(shares) < total:
        now = shares[-1]
        up = now == start or (len(shares) > 1 and shares[-2] < now and now != end)
        if shape == "growing" or (shape == "sharp_cycle" and now != end) or (shape == "cycle" and up):
            shares.append(min(now / alpha, end))
        elif shape == "sharp_cycle":
            shares.append(start)
        else:
            shares.append(max(now * alpha, start))
    return shares


def whole_sizes(n: int, start: float, end: float, alpha: float, total: int, shape: str) -> list[int]:
    """The older form in whole numbers, rounded up, until they sum to ``total`` documents.

    The greatest size is cut to ``end`` only where it is used: on the way down the uncut number is halved again.
    """
    least, most = math.ceil(n * start - 1e-9), math.ceil(n * end - 1e-9)
    now = most if shape == "shrinking" else least
    sizes = [now]
    rising = shape != "shrinking"
    while sum(sizes) < total and sizes[-1]:
        if now >= most:
            rising = shape == "growing"
        elif now <= least:
            rising = shape != "shrinking"
        if rising:
            now = math.ceil(now / alpha - 1e-9)
        elif shape == "sharp_cycle":
            now = least
        else:
            now = max(math.ceil(now * alpha - 1e-9), least)
        sizes.append(min(now, most))
    return sizes
