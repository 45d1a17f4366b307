"""The document that a rule just kept: its value is the nearest to the bound."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Border = tuple[str, int, float, float]
"""(rule, row of the batch, value, bound)"""


def nearest(rule: str, values: npt.NDArray[np.floating], bound: float, kept: npt.NDArray[np.bool_]) -> list[Border]:
    """The kept document whose value is nearest the bound; of equals the first; none where none is measured."""
    if not len(values):
        return []
    gap = np.where(kept & np.isfinite(values), np.abs(values - bound), np.inf)
    row = int(np.argmin(gap))
    return [(rule, row, float(values[row]), float(bound))] if np.isfinite(gap[row]) else []
