"""Histograms of what the rules measured, with their thresholds drawn in, one picture a rule.

Two passes over ``statistics/``: the range of each rule's values, then the counts; memory holds a row group at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curation import storage
from curation.releases.report.charts import histogram

BINS = 48


@dataclass
class Histogram:
    """Values of one rule: their range, counts a bin, and the bound with the side that drops."""

    name: str
    drops: str | None
    bound: float | None
    low: float = np.inf
    high: float = -np.inf
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, dtype=np.int64))

    def widen(self, values: npt.NDArray[np.float64]) -> None:
        if len(values):
            self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))

    def add(self, values: npt.NDArray[np.float64]) -> None:
        if not len(values):
            return
        low, high = self.range
        self.counts += np.histogram(np.clip(values, low, high), bins=BINS, range=(low, high))[0]

    @property
    def range(self) -> tuple[float, float]:
        """From the least to the greatest value, the bound in it; long tails are cut at ten times the bound."""
        low, high = self.low, self.high
        if self.bound is not None and np.isfinite(self.bound):
            low, high = min(low, self.bound), max(high, self.bound)
            if self.bound > 0:
                high = min(high, 10 * self.bound)
        return (low, high) if high > low else (low, low + 1.0)


def histograms(folder: str) -> str:
    """The pictures of a release, one a rule; a sentence where the recipe did not keep the statistics."""
    place = storage.join(folder, "statistics")
    files = [storage.join(place, name) for name in storage.list_folder(place)]
    found: dict[str, Histogram] = {}
    for counting in (False, True):
        for path in files:
            with storage.open_parquet(path) as file:
                for group in range(file.num_row_groups):
                    table = file.read_row_group(group)
                    for column in table.schema:
                        if pa.types.is_floating(column.type):
                            one = found.setdefault(column.name, _of_column(column))
                            values = table[column.name].drop_null().to_numpy()
                            values = values[np.isfinite(values)]
                            (one.add if counting else one.widen)(values)
    shown = [_picture(one) for one in found.values() if np.isfinite(one.low)]
    if not shown:
        return "<p>Not kept; set <code>clean.keep_statistics: true</code>.</p>"
    return f'<div class="pictures">{"".join(shown)}</div>'


def _of_column(column: pa.Field) -> Histogram:
    metadata = {key.decode(): value.decode() for key, value in (column.metadata or {}).items()}
    bound = float(metadata["bound"]) if "bound" in metadata else None
    return Histogram(column.name, metadata.get("drops"), bound)


def _picture(one: Histogram) -> str:
    low, high = one.range
    edges = np.linspace(low, high, BINS + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    said, dropped = "", np.zeros(BINS, dtype=bool)
    if one.bound is not None:
        said = f"; drops {one.drops} {one.bound:g}"
        dropped = middles < one.bound if one.drops in ("<", "<=") else middles > one.bound
    bound = one.bound if one.bound is not None and low <= one.bound <= high else None
    caption = f"{one.name}: {low:.4g} to {high:.4g}{said}"
    return histogram(edges.tolist(), one.counts.tolist(), label=caption, bound=bound, dropped=dropped.tolist())
