"""The mixture of each phase: planned and realised shares, as a picture and as a table."""

from __future__ import annotations

from typing import Any

from curation.report.charts import KEPT, short, svg
from curation.report.page import folded, table

LABELS = 14
"""Groups a phase in the picture."""
MAX_LABELS = 200


def mixture(manifest: dict[str, Any]) -> str:
    """A bar a group for what was written, a tick for what was planned; nothing without phases."""
    values: list[dict[str, Any]] = []
    rows: list[list[Any]] = []
    for phase in manifest["phases"]:
        total = sum(a["tokens"] for a in phase["realised"].values()) or 1
        ordered = sorted(phase["realised"].items(), key=lambda x: (-x[1]["tokens"], x[0]))
        for place, (label, amount) in enumerate(ordered[:MAX_LABELS]):
            planned, written = float(phase["weights"].get(label, 0.0)), amount["tokens"] / total
            rows.append([phase["name"], label, planned, written, amount["documents"], amount["tokens"]])
            if place < LABELS and len(manifest["phases"]) <= 12:
                values.append(
                    {"phase": short(phase["name"]), "label": short(label), "planned": planned, "written": written}
                )
    if not rows:
        return ""
    picture = ""
    if values:
        share = {
            "type": "quantitative",
            "title": "share of tokens (bar: written, tick: planned)",
            "axis": {"format": "%"},
        }
        picture = svg(
            {
                "data": {"values": values},
                "facet": {
                    "row": {"field": "phase", "type": "nominal", "sort": None, "title": None, "header": {"labelAngle": 0, "labelAlign": "left"}}
                },
                "resolve": {"scale": {"y": "independent"}},
                "spec": {
                    "width": 520,
                    "height": {"step": 18},
                    "encoding": {"y": {"field": "label", "type": "nominal", "sort": None, "title": None}},
                    "layer": [
                        {"mark": {"type": "bar", "color": KEPT}, "encoding": {"x": {"field": "written", **share}}},
                        {
                            "mark": {"type": "tick", "thickness": 2, "size": 16},
                            "encoding": {"x": {"field": "planned", "type": "quantitative"}},
                        },
                    ],
                },
            },
            "Mixture planned and written, by phase",
        )  # fmt: skip
    full = table(["phase", "group", "planned", "written", "documents", "tokens"], rows)
    return picture + (folded(f"{len(rows):,} groups as a table", full) if picture else full)
