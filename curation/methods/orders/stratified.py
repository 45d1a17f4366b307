"""Stratified: every global batch has the groups in the proportions of the drawn documents (MosaicML Streaming).

A batch has floor(p · G) documents of each group, what is missing goes to the largest remainders, ties to the later
group. Batches end when a group runs out; official code drops the surplus, here it comes last, shuffled.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.arrays.sorting import order_by
from curation.methods.budgets import apportion
from curation.methods.orders.batches import shuffled_groups
from curation.methods.orders.types import OrderKeys
from schemas.errors import RecipeError
from schemas.mixers import Rounding
from schemas.orders import Stratified


def stratified(keys: OrderKeys, params: Stratified, *, seed: int, phase: str, place: str) -> npt.NDArray[np.int64]:
    """The permutation, int64[n]: position to index. Raises RecipeError for a group that has no slot in a batch."""
    order, groups, places, labels = shuffled_groups(keys, params.by, seed=seed, phase=phase)
    counts = np.bincount(groups, minlength=len(labels))
    slots = slots_of(counts, params.batch_size, params.rounding)
    empty = np.flatnonzero((slots == 0) & (counts > 0))
    if len(empty):
        raise RecipeError(
            f"{place}.batch_size",
            f"the group {labels[empty[0]]!r} ({counts[empty[0]]} of {counts.sum()} documents) has no place in a batch of "
            f"{params.batch_size}; raise it, or shuffle",
        )
    present = counts > 0
    batches = int((counts[present] // slots[present]).min()) if present.any() else 0
    batch = places // np.maximum(slots, 1)[groups]
    batch[batch >= batches] = batches  # the surplus
    return order[order_by(keys.ids[order], batch, seeds.keys(seed, phase, "stratified", ids=keys.ids[order]))]


def slots_of(counts: npt.NDArray[np.int64], size: int, rounding: Rounding = "late_ties") -> npt.NDArray[np.int64]:
    """Documents of each group in a batch of ``size``: int64[g]."""
    return apportion(counts / max(counts.sum(), 1), size, rounding)
