"""What orders see of the drawn documents: ids and columns, never text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class OrderKeys:
    """ids: uint64[n, 2], unique; tokens: int64[n]; columns: labels (codes and names) or float64[n], by name."""

    ids: npt.NDArray[np.uint64]
    tokens: npt.NDArray[np.int64]
    columns: Mapping[str, Any]

    def ranks(self, name: str) -> npt.NDArray[np.float64]:
        """The column as numbers that sort like it: float64[n]; NaN where there is no value."""
        if name == "tokens":
            return self.tokens.astype(np.float64)
        if name == "id":
            order = np.lexsort((self.ids[:, 1].byteswap(), self.ids[:, 0].byteswap()))
            ranks = np.empty(len(order))
            ranks[order] = np.arange(len(order))
            return ranks
        column = self.columns[name]
        if isinstance(column, np.ndarray):
            return column.astype(np.float64)
        codes = column.codes.astype(np.float64)
        return np.where(codes < 0, np.nan, codes)
