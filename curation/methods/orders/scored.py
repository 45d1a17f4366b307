"""What the orders of scored documents share: sorting by score with jitter, strided layers, shuffled blocks.

Source: DELT (Microsoft 2025), data_ordering/common.py. Deviations: ties go by id in both directions (there: input
order), documents without a score come last and take part in none of the layers, noise comes from (seed, phase, id).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.arrays.sorting import order_by
from curation.methods.orders.types import OrderKeys
from schemas.orders import ByScore

Int = npt.NDArray[np.int64]


def sorted_by_score(keys: OrderKeys, params: ByScore, *, seed: int, phase: str) -> tuple[Int, Int]:
    """The documents that have a score, sorted, and those that have none: int64 indices."""
    values = keys.ranks(params.by)
    order = order_by(keys.ids, -values if params.descending else values)
    scored = len(values) - int(np.isnan(values).sum())
    with_score, without = order[:scored], order[scored:]
    if params.jitter > 0:
        noise = seeds.gumbels(seeds.keys(seed, phase, "jitter", ids=keys.ids[with_score]))
        with_score = with_score[jittered(noise, params.jitter)]
    return with_score, without


def jittered(noise: npt.NDArray[np.float64], temperature: float) -> Int:
    """Ranks re-sorted by rank + τ · noise: int64[n]."""
    return np.argsort(np.arange(len(noise)) + temperature * noise, kind="stable")


def folded(n: int, layers: int) -> Int:
    """x[0::L], x[1::L], …, x[L−1::L] of the ranks 0 … n − 1: int64[n].

    >>> folded(6, 3).tolist()
    [0, 3, 1, 4, 2, 5]
    """
    return np.concatenate([np.arange(layer, n, layers) for layer in range(layers)])


def zig_zagged(n: int, layers: int) -> Int:
    """Folded, every odd layer reversed: int64[n].

    >>> zig_zagged(6, 2).tolist()
    [0, 2, 4, 5, 3, 1]
    """
    parts = [np.arange(layer, n, layers) for layer in range(layers)]
    return np.concatenate([part[::-1] if layer % 2 else part for layer, part in enumerate(parts)])


def in_windows(n: int, sections: int, ratio: float, layers: int, *, reverse: bool) -> Int:
    """Ranks in order but for windows around the borders of sections, which are folded or zig-zagged: int64[n].

    A window is [border − r, border + r) with r = round(n · ratio); overlapping ones are cut at the one before.
    """
    inside = zig_zagged if reverse else folded
    radius = round(n * ratio)
    ranks, cursor = np.arange(n), 0
    for section in range(1, sections):
        border = round(n * section / sections)
        first, end = max(cursor, border - radius), min(n, border + radius)
        if end > first:
            ranks[first:end] = first + inside(end - first, layers)
            cursor = end
    return ranks


def window_shuffled(order: Int, window: int, keys: npt.NDArray[np.uint64]) -> Int:
    """Consecutive blocks of ``window`` shuffled by the documents' keys: int64[n]. keys: uint64[n], by document."""
    if window <= 1:
        return order
    block = np.arange(len(order)) // window
    return order[np.lexsort((keys[order], block))]


def finished(parts: tuple[Int, Int], keys: OrderKeys, params: ByScore, *, seed: int, phase: str) -> Int:
    """The arranged documents with a score, shuffled in windows, then those without: int64[n]."""
    arranged, without = parts
    drawn = seeds.keys(seed, phase, "window", ids=keys.ids) if params.window > 1 else np.zeros(0, dtype=np.uint64)
    return np.concatenate([window_shuffled(arranged, params.window, drawn), without])
