"""What the orders of whole batches share: each group's documents in random order, and the batches they fill."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.arrays.sorting import order_by, place_in_run
from curation.methods.orders.types import OrderKeys

Int = npt.NDArray[np.int64]


def shuffled_groups(keys: OrderKeys, by: str, *, seed: int, phase: str) -> tuple[Int, Int, Int, list[str]]:
    """Documents sorted by group, random inside: (order, group of each, place in its group), and the labels."""
    groups, labels = keys.groups(by)
    order = order_by(keys.ids, groups, seeds.keys(seed, phase, "batches", ids=keys.ids))
    return order, groups[order], place_in_run(groups[order]), labels


def one_group_a_batch(keys: OrderKeys, by: str, size: int, *, seed: int, phase: str) -> Int:
    """Batches of ``size`` documents of one group each, in random order; what fills no batch comes last: int64[n].

    Source: MosaicML Streaming, batching ``per_stream``; there the last documents are dropped.
    """
    order, groups, places, labels = shuffled_groups(keys, by, seed=seed, phase=phase)
    counts = np.bincount(groups, minlength=len(labels))
    whole = places < counts[groups] // size * size
    batch = places // size
    drawn = np.zeros(len(order))
    for group in np.flatnonzero(counts >= size):
        draws = seeds.rng(seed, phase, "per_stream", labels[group]).random(counts[group] // size)
        mine = whole & (groups == group)
        drawn[mine] = draws[batch[mine]]
    rest = order[~whole]
    filled = order_by(keys.ids[order[whole]], drawn[whole], groups[whole], batch[whole])
    rest_keys = seeds.keys(seed, phase, "rest", ids=keys.ids[rest])
    return np.concatenate([order[whole][filled], rest[order_by(keys.ids[rest], rest_keys)]])
