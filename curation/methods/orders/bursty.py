"""Bursty: contexts of N neighbours in which each group stands B times (Reddy 2024; Chan et al. 2022).

A permutation of the drawn documents: bursts of B documents of a group are dealt to contexts of N / B different groups;
documents that fill no burst, and the share that is not to be bursty, are shuffled among the contexts one by one.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.arrays.sorting import order_by
from curation.methods.orders.batches import shuffled_groups
from curation.methods.orders.types import OrderKeys
from schemas.errors import RecipeError
from schemas.orders import Bursty

Int = npt.NDArray[np.int64]


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
    contexts, bursts = fitting(bursts, n // b)
    in_burst = places < (bursts * b)[groups]
    firsts = np.cumsum(np.r_[0, bursts[:-1]])
    turn = seeds.rng(seed, phase, "bursts").permutation(len(bursts))
    dealt = deal(bursts, turn, contexts, seeds.rng(seed, phase, "deal").random((n // b + 1, contexts)))
    mine = np.full(len(order), -1, dtype=np.int64)
    mine[in_burst] = dealt[(firsts[groups] + places // b)[in_burst]]
    loose_bursts = mine == contexts  # too few for a context: they stand together before what is left of the singles
    # Contexts and single documents (N of them make a context) stand in one random order.
    singles = np.flatnonzero(mine < 0)
    loose = order_by(keys.ids[order[singles]], seeds.keys(seed, phase, "single", ids=keys.ids[order[singles]]))
    mine[singles[loose]] = contexts + np.arange(len(singles)) // n
    places_of = seeds.rng(seed, phase, "contexts").permutation(contexts + len(singles) // n)
    block = np.where(
        mine < len(places_of), np.append(places_of, 0)[np.minimum(mine, len(places_of))], len(places_of) + 1
    )
    block[loose_bursts] = len(places_of)
    return order[order_by(keys.ids[order], block, seeds.keys(seed, phase, "inside", ids=keys.ids[order]))]


def fitting(bursts: Int, size: int) -> tuple[int, Int]:
    """Contexts of ``size`` different groups that the bursts fill, and the bursts of each group that take part: int64[g].

    A group stands in a context once, so that one with more bursts than contexts gives no more than these.
    """
    contexts = int(bursts.sum()) // size
    while contexts and (fewer := int(np.minimum(bursts, contexts).sum()) // size) < contexts:
        contexts = fewer
    return contexts, np.minimum(bursts, contexts)


@numba.njit(nogil=True, cache=True)
def deal(bursts: Int, turn: Int, contexts: int, keys: npt.NDArray[np.float64]) -> Int:
    """The context of each burst, groups one after another; no group twice in one: int64[m], ``contexts`` for those left.

    bursts: int64[g], at most ``contexts`` each; turn: int64[g], the groups in the order they are dealt; keys: float64[layers,
    contexts]. Each layer gives every context one burst, in the order of its keys; where a group ends a layer and goes on
    into the next, contexts that it does not stand in yet go first.
    """
    firsts = np.zeros(len(bursts) + 1, dtype=np.int64)
    firsts[1:] = np.cumsum(bursts)
    result = np.full(firsts[-1], contexts, dtype=np.int64)
    if not contexts:
        return result
    layer, at = 0, 0
    order = np.argsort(keys[0])
    for group in turn:
        begun = at
        for number in range(bursts[group]):
            if at == contexts:
                layer += 1
                if layer >= len(keys) - 1:
                    return result
                taken = np.zeros(contexts, dtype=np.float64)
                if number:
                    taken[order[begun:]] = 1.0
                order = np.argsort(keys[layer] + taken)
                at, begun = 0, contexts
            result[firsts[group] + number] = order[at]
            at += 1
    return result
