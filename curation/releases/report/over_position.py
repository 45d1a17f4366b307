"""Curriculum scores over training position: mean and the middle 80 % of each numeric column, from first row to last."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curation import storage
from curation.releases.report.charts import KEPT, plot

BINS = 160
NOT_SCORES = frozenset({"position", "epoch", "tokens"})
MOST = 12
"""Columns shown."""


def scores_over_position(manifest: dict[str, Any], folder: str) -> str:
    """A picture a numeric column of the shards; nothing where there is none. Holds 4 bytes a row, a column at a time."""
    names: list[str] = []
    for shard in manifest["shards"][:1]:
        with storage.open_parquet(storage.join(folder, shard["path"])) as file:
            names = [f.name for f in file.schema_arrow if _is_number(f.type) and f.name not in NOT_SCORES]
    pictures = []
    for name in names[:MOST]:
        low, mean, high = by_bin(column_of(manifest, folder, name), BINS)
        if np.isfinite(mean).any() and np.nanmax(high) > np.nanmin(low):
            pictures.append(_picture(name, low, mean, high))
    return "".join(pictures)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def column_of(manifest: dict[str, Any], folder: str, name: str) -> npt.NDArray[np.float32]:
    """A numeric column of all shards in training order: float32[rows], NaN for null."""
    parts = [np.zeros(0, dtype=np.float32)]
    for shard in manifest["shards"]:
        with storage.open_parquet(storage.join(folder, shard["path"])) as file:
            column = pc.cast(file.read(columns=[name])[0], pa.float32())
            parts.append(column.to_numpy().astype(np.float32))
    return np.concatenate(parts)


def by_bin(values: npt.NDArray[np.float32], bins: int) -> tuple[npt.NDArray[np.float64], ...]:
    """The 10th percentile, mean and 90th percentile of each of at most ``bins`` runs of rows; NaN for one of nothing."""
    runs = np.array_split(values, min(bins, max(len(values), 1)))
    made = np.full((3, len(runs)), np.nan)
    for i, run in enumerate(runs):
        finite = run[np.isfinite(run)]
        if len(finite):
            made[:, i] = np.quantile(finite, 0.1), finite.mean(), np.quantile(finite, 0.9)
    return made[0], made[1], made[2]


def _picture(name: str, low: Any, mean: Any, high: Any) -> str:
    values = [
        {"x": i / len(mean), "low": float(a), "mean": float(b), "high": float(c)}
        for i, (a, b, c) in enumerate(zip(low, mean, high, strict=True))
        if np.isfinite(b)
    ]
    x = {"field": "x", "type": "quantitative", "title": "training position", "axis": {"format": "%"}}
    y = {"type": "quantitative", "title": None, "scale": {"zero": False}}
    return plot(
        {
            "title": f"{name} (line: mean, band: 10th to 90th percentile)",
            "data": {"values": values},
            "height": 130,
            "layer": [
                {
                    "mark": {"type": "area", "color": KEPT, "opacity": 0.25},
                    "encoding": {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}},
                },
                {"mark": {"type": "line", "color": KEPT}, "encoding": {"x": x, "y": {"field": "mean", **y}}},
            ],
        },
        f"{name} over training position",
    )
