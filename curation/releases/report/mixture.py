"""The mixture of each phase: planned and realised shares, as a picture and as a table."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

from curation.releases.report.charts import KEPT, plot, short
from curation.releases.report.page import folded, table

LABELS = 14
"""Groups a phase in the picture."""
MAX_LABELS = 200
POINTS = 2000
"""Runs in the picture of a fit."""


@dataclass(frozen=True)
class Row:
    """A group of a phase. planned and written are shares in the phase's unit, the other shares of what they say."""

    phase: str
    group: str
    unit: str
    planned: float
    written: float
    documents: int
    of_documents: float
    tokens: int
    of_tokens: float
    trained: int | None
    """Tokens with loss; null in releases that do not say."""


COLUMNS = ("phase", "group", "unit", "planned", "written", "documents", "share", "tokens", "share", "with loss")


def rows_of(phase: dict[str, Any]) -> list[Row]:
    """The groups of a manifest's phase, those with most first."""
    unit = phase["budget"].get("unit", "tokens")
    counted = "documents" if unit == "records" else "tokens"
    totals = {of: sum(a[of] for a in phase["realised"].values()) or 1 for of in ("documents", "tokens")}
    ordered = sorted(phase["realised"].items(), key=lambda x: (-x[1][counted], x[0]))
    return [
        Row(
            phase=phase["name"],
            group=label,
            unit=unit,
            planned=float(phase["weights"].get(label, 0.0)),
            written=amount[counted] / totals[counted],
            documents=amount["documents"],
            of_documents=amount["documents"] / totals["documents"],
            tokens=amount["tokens"],
            of_tokens=amount["tokens"] / totals["tokens"],
            trained=phase.get("trained_tokens", {}).get(label),
        )
        for label, amount in ordered
    ]


def _fitted(phase: dict[str, Any]) -> str:
    """Losses that a fitted mixture foretells of runs that it did not see, beside those seen."""
    fit = phase["fit"]
    points = [{"predicted": x, "seen": y} for x, y in zip(fit["predicted"], fit["seen"], strict=True)][:POINTS]
    of_loss = fit["mean_absolute_error"] is not None
    axis = {"type": "quantitative", "scale": {"zero": False}}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "point", "color": KEPT, "size": 18},
            "encoding": {
                "x": {"field": "predicted", "title": "loss foretold" if of_loss else "foretold (no unit)", **axis},
                "y": {"field": "seen", "title": "loss seen", **axis},
            },
        }
    ]
    if of_loss and points:
        ends = [{"predicted": end, "seen": end} for end in (min(fit["seen"]), max(fit["seen"]))]
        same = {"x": {"field": "predicted", **axis}, "y": {"field": "seen", **axis}}
        layers.append({"data": {"values": ends}, "mark": {"type": "line", "strokeDash": [4, 4]}, "encoding": same})
    drawn = plot(
        {"data": {"values": points}, "width": 320, "height": 240, "layer": layers},
        f"Foretold and seen losses of other runs, phase {phase['name']}",
    )
    names = ["phase", "runs fitted to", "other runs", "rank correlation", "mean absolute error"]
    row = [phase["name"], fit["runs"], fit["checked"], fit["rank_correlation"], fit["mean_absolute_error"]]
    return drawn + table(names, [row])


def mixture(manifest: dict[str, Any]) -> str:
    """A bar a group for what was written, a tick for what was planned; nothing without phases."""
    values: list[dict[str, Any]] = []
    rows: list[list[Any]] = []
    for phase in manifest["phases"]:
        for place, row in enumerate(rows_of(phase)[:MAX_LABELS]):
            rows.append(list(astuple(row)))
            if place < LABELS and len(manifest["phases"]) <= 12:
                values.append(
                    {
                        "phase": short(row.phase),
                        "label": short(row.group),
                        "planned": row.planned,
                        "written": row.written,
                    }
                )
    if not rows:
        return ""
    picture = ""
    if values:
        share = {
            "type": "quantitative",
            "title": "share in the unit of the phase's budget (bar: written, tick: planned)",
            "axis": {"format": "%"},
        }
        picture = plot(
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
            numbers=False,
        )  # fmt: skip
    picture += "".join(_fitted(phase) for phase in manifest["phases"] if phase.get("fit"))
    full = table(list(COLUMNS), rows)
    said = [[phase["name"], note] for phase in manifest["phases"] for note in phase.get("notes", [])]
    notes = table(["phase", "not as planned"], said[:MAX_LABELS]) if said else ""
    return picture + (folded(f"{len(rows):,} groups as a table", full) if picture else full) + notes
