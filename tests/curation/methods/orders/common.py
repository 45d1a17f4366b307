"""Documents to put in order: ids that are their number, and columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from curation.methods.orders import OrderKeys, arrange
from curation.mixture.pool import Labels
from schemas import orders as models


def keys(n: int, **columns: Any) -> OrderKeys:
    """n documents; a column of texts becomes labels, one of numbers floats."""
    made: dict[str, Any] = {}
    for name, values in columns.items():
        if any(isinstance(v, str) for v in values):
            names = tuple(sorted({v for v in values if v is not None}))
            made[name] = Labels(np.array([-1 if v is None else names.index(v) for v in values], dtype=np.int32), names)
        else:
            made[name] = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    ids = np.column_stack([np.arange(n), np.zeros(n)]).astype(np.uint64)
    return OrderKeys(ids=ids, tokens=np.full(n, 10), columns=made)


def ordered(documents: OrderKeys, method: str, seed: int = 0, **fields: Any) -> list[int]:
    model = {m.model_fields["method"].annotation.__args__[0]: m for m in FUNCTIONS}[method]
    params = model.model_validate({"method": method, **fields})
    return arrange(documents, params, seed=seed, phase="p").tolist()


FUNCTIONS: list[Any] = [
    m for m in vars(models).values() if isinstance(m, type) and "method" in getattr(m, "model_fields", {})
]
