"""Bursty: contexts of N neighbours in which each group stands B times (Reddy 2024; Chan et al. 2022).

A permutation of the drawn documents: bursts of B documents of a group are dealt to contexts of N / B different groups;
documents that fill no burst, and the share that is not to be bursty, are shuffled among the contexts one by one.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.orders.batches import shuffled_groups
from curation.orders.types import OrderKeys
from curation.sorting import order_by
from schemas.errors import RecipeError
from schemas.orders import Bursty

Int = npt.NDArray[np.int64]
LOOK_AHEAD = 256
"""Bursts that are looked through for a group that the context does not have yet."""


def bursty(keys: OrderKeys, params: Bursty, *, seed: int, phase: str, place: str) -> npt.NDArray[np.int64]:
    """The permutation, int64[n]: position to index. Raises RecipeError where B does not divide N."""
    n, b = params.context, params.burstiness
    if n % b:
        raise RecipeError(f"{place}.burstiness", f"{b} does not divide the context of {n} documents")
    order, groups, places, labels = shuffled_groups(keys, params.by, seed=seed, phase=phase)
    counts = np.bincount(groups, minlength=len(labels))
    bursts = np.floor(counts * params.share / b + 1e-9).astype(np.int64)
    if params.dictionary is not None:
        bursts[np.lexsort((np.arange(len(counts)), -counts))[params.dictionary :]] = 0
    in_burst = places < (bursts * b)[groups]
    number = np.cumsum(np.r_[0, bursts[:-1]])[groups] + places // b  # of the burst, over all groups
    group_of = np.repeat(np.arange(len(bursts)), bursts)
    shuffled = np.argsort(seeds.rng(seed, phase, "bursts").random(len(group_of)), kind="stable")
    dealt = shuffled[deal(group_of[shuffled], n // b)]
    whole = len(dealt) // (n // b) * (n // b)
    context = np.full(len(group_of), -1, dtype=np.int64)
    context[dealt[:whole]] = np.arange(whole) // (n // b)
    mine = np.full(len(order), -1, dtype=np.int64)
    mine[in_burst] = context[number[in_burst]]
    # Contexts and single documents (N of them make a context) stand in one random order.
    contexts, singles = whole // (n // b), np.flatnonzero(mine < 0)
    loose = order_by(keys.ids[order[singles]], seeds.keys(seed, phase, "single", ids=keys.ids[order[singles]]))
    mine[singles[loose]] = contexts + np.arange(len(singles)) // n
    places_of = seeds.rng(seed, phase, "contexts").permutation(contexts + len(singles) // n)
    block = np.where(mine < len(places_of), np.append(places_of, 0)[np.minimum(mine, len(places_of))], len(places_of))
    return order[order_by(keys.ids[order], block, seeds.keys(seed, phase, "inside", ids=keys.ids[order]))]


@numba.njit(nogil=True, cache=True)
def deal(groups: Int, size: int) -> Int:
    """Bursts put so that each ``size`` neighbours are of different groups where LOOK_AHEAD allows: int64[m] indices."""
    m = len(groups)
    following = np.arange(1, m + 1)
    head = 0
    result = np.empty(m, dtype=np.int64)
    for i in range(m):
        start = i - i % size
        before, at, steps = -1, head, 0
        while at < m and steps < LOOK_AHEAD:
            taken = False
            for j in range(start, i):
                if groups[result[j]] == groups[at]:
                    taken = True
                    break
            if not taken:
                break
            before, at, steps = at, following[at], steps + 1
        if at >= m or steps == LOOK_AHEAD:
            before, at = -1, head
        result[i] = at
        if before < 0:
            head = following[at]
        else:
            following[before] = following[at]
    return result
