"""Tags that need the whole pool before they can be given: quantiles, clusters, the raw text's n-gram distribution.

``partial`` runs for each batch of a partition, ``merge`` over what they give, ``fit`` once, ``apply`` for each batch.
The fit does not depend on how documents are spread over partitions, nor on the order of the partials.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class PoolWide:
    """One method's steps; partials and state are tables, small enough to be held."""

    partial: Callable[..., pa.Table]
    """(documents, params, seed) to what the fit needs of a batch."""
    merge: Callable[..., pa.Table]
    """(partials, params) to one partial: any number of them, in any order and grouping."""
    fit: Callable[..., pa.Table]
    """(merged partial, params, seed, place) to the state. Raises RecipeError at ``place``."""
    apply: Callable[..., Any]
    """(documents, params, state) to labels or scores, one a document."""
