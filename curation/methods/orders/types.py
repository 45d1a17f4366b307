"""What orders see of the drawn documents: ids and columns, never text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from curation.arrays.sorting import order_by
from schemas.tables import NO_LABEL

Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class OrderKeys:
    """ids: uint64[n, 2], unique; tokens: int64[n]; columns: labels (codes and names) or float64[n], by name."""

    ids: npt.NDArray[np.uint64]
    tokens: npt.NDArray[np.int64]
    columns: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.ids)

    def ranks(self, name: str) -> npt.NDArray[np.float64]:
        """The column as numbers that sort like it: float64[n]; NaN where there is no value."""
        if name == "tokens":
            return self.tokens.astype(np.float64)
        if name == "id":
            ranks = np.empty(len(self))
            ranks[order_by(self.ids, self.ids[:, 0].byteswap(), self.ids[:, 1].byteswap())] = np.arange(len(self))
            return ranks
        column = self.columns[name]
        if isinstance(column, np.ndarray):
            return column.astype(np.float64)
        codes = column.codes.astype(np.float64)
        return np.where(codes < 0, np.nan, codes)

    def groups(self, name: str) -> tuple[Int, list[str]]:
        """The column as labels: codes int64[n] and the labels in sorted order; those without one are the last group."""
        column = self.columns.get(name)
        if column is None or isinstance(column, np.ndarray):
            values = self.ranks(name)
            distinct, codes = np.unique(values, return_inverse=True)
            return codes.astype(np.int64), [NO_LABEL if np.isnan(v) else f"{v:g}" for v in distinct]
        codes = column.codes.astype(np.int64)
        return np.where(codes < 0, len(column.names), codes), [*column.names, NO_LABEL]
