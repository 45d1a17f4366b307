"""The funnel: of the documents read, what each stage dropped, as a picture and by rule."""

from __future__ import annotations

from typing import Any

from curation.releases.report.charts import DROPPED, KEPT, plot
from curation.releases.report.page import table


def funnel(manifest: dict[str, Any]) -> str:
    """A bar a stage: what it let through, and what it dropped."""
    values = []
    stages = [stage["stage"] for stage in manifest["funnel"]]
    for stage in manifest["funnel"]:
        dropped = stage["in"] - stage["out"]
        said = f"{stage['out']:,}" + (f"  (−{100 * dropped / stage['in']:.1f} %)" if dropped else "")
        both = {"stage": stage["stage"], "in": stage["in"], "said": said}
        values += [{**both, "what": "kept", "n": stage["out"]}, {**both, "what": "dropped", "n": dropped}]
    picture = plot(
        {
            "data": {"values": values},
            "padding": {"left": 25, "right": 70, "top": 5, "bottom": 5},
            "height": {"step": 26},
            "encoding": {
                "y": {"field": "stage", "type": "nominal", "sort": stages, "title": None},
            },
            "layer": [
                {
                    "mark": "bar",
                    "encoding": {
                        "x": {
                            "field": "n",
                            "type": "quantitative",
                            "title": "documents",
                            "axis": {"format": ",d", "tickMinStep": 1},
                        },
                        "order": {"field": "what", "sort": "descending"},
                        "color": {
                            "field": "what",
                            "type": "nominal",
                            "title": None,
                            "scale": {"domain": ["kept", "dropped"], "range": [KEPT, DROPPED]},
                            "legend": {"orient": "top"},
                        },
                    },
                },
                {
                    "transform": [{"filter": {"field": "what", "equal": "kept"}}],
                    "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": 11},
                    "encoding": {
                        "x": {"field": "in", "type": "quantitative"},
                        "text": {"field": "said", "type": "nominal"},
                    },
                },
            ],
        },
        "Documents kept and dropped by each stage",
    )
    rows = [
        [stage["stage"], rule, n, n / stage["in"]]
        for stage in manifest["funnel"]
        for rule, n in sorted(stage["dropped"].items(), key=lambda x: (-x[1], x[0]))
    ]
    return picture + table(["stage", "rule", "dropped", "share of what came"], rows)
