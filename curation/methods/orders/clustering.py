"""Clustering: concepts stay whole, their order is random; inside by level.

Source: CORGI (Lee et al. 2024); its sort keys could not be found, these are ours.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curation import seeds
from curation.arrays.sorting import order_by
from curation.methods.orders.types import OrderKeys
from schemas.orders import Clustering


def clustering(keys: OrderKeys, params: Clustering, *, seed: int, phase: str, place: str) -> npt.NDArray[np.int64]:
    """The permutation, int64[n]: position to index."""
    subjects, subject_names = keys.groups(params.subject)
    concepts, names = keys.groups(params.concept) if params.concept is not None else (np.zeros_like(subjects), [""])
    blocks, inverse = np.unique(subjects * len(names) + concepts, return_inverse=True)
    labels = [(subject_names[b // len(names)], names[b % len(names)]) for b in blocks.tolist()]
    drawn = np.array([seeds.rng(seed, phase, "clustering", *label).random() for label in labels])
    return order_by(keys.ids, drawn[inverse], inverse, keys.ranks(params.level))
