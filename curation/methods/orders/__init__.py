"""Orders: one function a file, `(keys, params, seed, phase, place) -> int64[n]`, a permutation: position to index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from curation.methods.orders.blocking import blocking
from curation.methods.orders.bursty import bursty
from curation.methods.orders.clustering import clustering
from curation.methods.orders.device_per_stream import device_per_stream
from curation.methods.orders.folding import folding
from curation.methods.orders.interleaving import interleaving
from curation.methods.orders.per_stream import per_stream
from curation.methods.orders.round_robin import round_robin
from curation.methods.orders.saw import saw
from curation.methods.orders.segment import segment
from curation.methods.orders.shuffle import shuffle
from curation.methods.orders.sort import sort
from curation.methods.orders.spiral import spiral
from curation.methods.orders.stair import stair
from curation.methods.orders.stratified import stratified
from curation.methods.orders.types import OrderKeys
from curation.methods.orders.zig_zag import zig_zag
from schemas import orders as models

__all__ = ["FUNCTIONS", "OrderKeys", "arrange", "names_of"]

FUNCTIONS: dict[type, Callable[..., npt.NDArray[np.int64]]] = {
    models.Shuffle: shuffle,
    models.Sort: sort,
    models.Folding: folding,
    models.ZigZag: zig_zag,
    models.Stair: stair,
    models.Saw: saw,
    models.Segment: segment,
    models.Blocking: blocking,
    models.Clustering: clustering,
    models.Spiral: spiral,
    models.Interleaving: interleaving,
    models.RoundRobin: round_robin,
    models.Stratified: stratified,
    models.PerStream: per_stream,
    models.DevicePerStream: device_per_stream,
    models.Bursty: bursty,
}
BARE: dict[str, Any] = {"shuffle": models.Shuffle(method="shuffle")}
NAMES = ("by", "inside", "subject", "level", "stage", "concept")


def arrange(keys: OrderKeys, order: Any, *, seed: int, phase: str, place: str = "order") -> npt.NDArray[np.int64]:
    """The permutation of an order, given as a bare name or as its model. Raises RecipeError naming the place."""
    params = BARE[order] if isinstance(order, str) else order
    return FUNCTIONS[type(params)](keys, params, seed=seed, phase=phase, place=place)


def names_of(order: Any) -> dict[str, str]:
    """The tags and built-in names that an order reads, by its field."""
    return {field: getattr(order, field) for field in NAMES if isinstance(getattr(order, field, None), str)}
