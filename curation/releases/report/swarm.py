"""The mixtures of a swarm's runs: a picture of weights, groups along x, and the table of them."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq

from curation import storage
from curation.releases.report.charts import plot, short
from curation.releases.report.page import folded, table

RUNS, GROUPS = 128, 40
"""In the picture and the table: the first runs, and the groups that weigh most over all runs."""
CELL, MAX_WIDTH = 24, 560


def swarm(manifest: dict[str, Any], folder: str) -> str:
    """Nothing where the release is no swarm's."""
    record = manifest.get("swarm")
    if record is None:
        return ""
    with storage.open_read(storage.join(folder, "swarm.parquet")) as stream:
        weights = pq.read_table(stream)
    sums: dict[str, float] = {}
    rows: dict[int, dict[str, float]] = {}
    for run, group, weight in zip(*(weights[name].to_pylist() for name in ("run", "group", "weight")), strict=True):
        sums[group] = sums.get(group, 0.0) + weight
        rows.setdefault(run, {})[group] = weight
    groups = sorted(sums, key=lambda group: (-sums[group], group))[:GROUPS]
    shown = list(rows.items())[:RUNS]
    values = [{"run": run, "group": short(group), "weight": of[group]} for run, of in shown for group in groups]
    picture = plot(
        {
            "title": f"Weights of the runs, by {short(record['by'])}",
            "data": {"values": values},
            "width": max(160, min(MAX_WIDTH, CELL * len(groups))),
            "height": {"step": 8},
            "mark": "rect",
            "encoding": {
                "x": {"field": "group", "type": "nominal", "sort": None, "title": None},
                "y": {"field": "run", "type": "ordinal", "axis": {"labelOverlap": True}},
                "color": {
                    "field": "weight",
                    "type": "quantitative",
                    "scale": {"scheme": "viridis", "zero": True},
                    "legend": {"format": ".0%"},
                },
            },
        },
        "Weights of the groups in each run of the swarm",
        numbers=False,
    )
    said = (
        f"<p>{len(rows):,} runs of {record['tokens']:,} tokens, drawn as {record['draw']} does; "
        "each reads these texts from its folder in <code>runs/</code>.</p>"
    )
    listed = [[f"runs/{run:03d}", *(round(of[group], 4) for group in groups)] for run, of in shown]
    return said + picture + folded("Weights as a table", table(["run", *groups], listed))
