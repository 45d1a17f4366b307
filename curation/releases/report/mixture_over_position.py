"""The mixture over training position, as a stacked area: what share of the tokens each group has, from first to last."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.mixture.pool import labels_in
from curation.releases.report.charts import COLOURS, plot, short
from curation.releases.report.charts import OTHERS as OTHERS_COLOUR
from schemas.groups import SEPARATOR
from schemas.tables import NO_LABEL

BINS, ROWS_A_BIN = 160, 25
"""Bins at most, and rows that a bin has at least."""
GROUPS = 9
OTHERS = "(others)"


def mixture_over_position(manifest: dict[str, Any], folder: str) -> str:
    """The picture of a release whose shards stand in ``folder``; groups are those of each phase's own mixture."""
    if not manifest["shards"]:
        return ""
    names = [phase["name"] for phase in manifest["phases"]]
    found, labels, phases = shares(manifest, folder)
    bins = len(found)
    tops = np.cumsum(found, axis=1)
    values = [
        {"x": at / bins, "group": short(label), "low": float(top - share), "high": float(top)}
        for group, label in enumerate(labels)
        for at, (share, top) in enumerate(zip(found[:, group], tops[:, group], strict=True))
    ]
    # A step ends where the next begins; the last needs an end of its own.
    values += [{**one, "x": 1.0} for one in values if one["x"] == (bins - 1) / bins]
    begins = np.flatnonzero(np.r_[True, phases[1:] != phases[:-1]])
    colours = [OTHERS_COLOUR if label == OTHERS else COLOURS[i % len(COLOURS)] for i, label in enumerate(labels)]
    x = {"field": "x", "type": "quantitative", "title": "training position", "axis": {"format": "%"}}
    return plot(
        {
            "height": 260,
            "layer": [
                {
                    "data": {"values": values},
                    "mark": {"type": "area", "interpolate": "step-after"},
                    "encoding": {
                        "x": {**x, "scale": {"domain": [0, 1]}},
                        "y": {
                            "field": "high",
                            "type": "quantitative",
                            "title": "share of tokens",
                            "axis": {"format": "%"},
                            "scale": {"domain": [0, 1]},
                        },
                        "y2": {"field": "low"},
                        "color": {
                            "field": "group",
                            "type": "nominal",
                            "title": None,
                            "legend": {"orient": "bottom", "columns": 5},
                            "scale": {"domain": [short(label) for label in labels], "range": colours},
                        },
                    },
                },
                {
                    "data": {"values": [{"x": int(at) / bins, "phase": names[phases[at]][:24]} for at in begins[:40]]},
                    "layer": [
                        {"mark": {"type": "rule", "strokeWidth": 1.5}, "encoding": {"x": x}},
                        {
                            "mark": {"type": "text", "align": "left", "baseline": "bottom", "dx": 3, "angle": 0, "fontSize": 10},
                            "encoding": {"x": x, "y": {"value": 0}, "text": {"field": "phase", "type": "nominal"}},
                        },
                    ],
                },
            ],
        },
        "Share of tokens by group over training position",
    )  # fmt: skip


def shares(manifest: dict[str, Any], folder: str) -> tuple[npt.NDArray[np.float64], list[str], npt.NDArray[np.int64]]:
    """Share of tokens float64[bins, groups], the groups' labels, and the phase of each bin int64[bins]."""
    total = sum(shard["rows"] for shard in manifest["shards"])
    bins = max(1, min(BINS, total // ROWS_A_BIN))
    by = {phase["name"]: phase.get("by") for phase in manifest["phases"]}
    place = {phase["name"]: i for i, phase in enumerate(manifest["phases"])}
    amounts: list[dict[str, float]] = [{} for _ in range(bins)]
    phases = np.zeros(bins, dtype=np.int64)
    for shard in manifest["shards"]:
        position = shard["first_position"] + np.arange(shard["rows"])
        where = position * bins // total
        phases[np.unique(where)] = place[shard["phase"]]
        table = _columns(storage.join(folder, shard["path"]), by[shard["phase"]])
        frame = pa.table({"bin": where, "label": table["label"], "tokens": table["tokens"]})
        for row in frame.group_by(["bin", "label"]).aggregate([("tokens", "sum")]).to_pylist():
            label = row["label"] if row["label"] is not None else NO_LABEL
            amounts[row["bin"]][label] = amounts[row["bin"]].get(label, 0.0) + row["tokens_sum"]
    sums: dict[str, float] = {}
    for bin_ in amounts:
        for label, tokens in bin_.items():
            sums[label] = sums.get(label, 0.0) + tokens
    labels = sorted(sums, key=lambda label: (-sums[label], label))[:GROUPS]
    shown = [*labels, OTHERS] if len(sums) > GROUPS else labels
    found = np.zeros((bins, len(shown)))
    for i, bin_ in enumerate(amounts):
        for label, tokens in bin_.items():
            found[i, shown.index(label) if label in labels else len(shown) - 1] += tokens
    return found / np.maximum(found.sum(axis=1, keepdims=True), 1), shown, phases


def _columns(path: str, by: str | None) -> pa.Table:
    """Labels (the first of several) and tokens of a shard's rows."""
    with storage.open_read(path) as stream:
        file = pq.ParquetFile(stream)
        names = file.schema_arrow.names
        grouped = [] if by is None else by.split(SEPARATOR)
        wanted = [name for name in {*grouped, "tokens"} if name in names]
        table = file.read(columns=wanted)
    n = file.metadata.num_rows
    tokens = table["tokens"] if "tokens" in names else pa.array(np.ones(n, dtype=np.int64))
    if by is None or not set(grouped) <= set(names):
        return pa.table({"label": pa.array(["(all)"] * n), "tokens": tokens})
    labels = labels_in(table, by)
    return pa.table(
        {
            "label": pa.array([*labels.names, None], pa.string()).take(
                pa.array(labels.codes % (len(labels.names) + 1))
            ),
            "tokens": tokens,
        }
    )
