"""Groups of two names as a grid: tokens that were written of each, and how often its documents stand in the phase."""

from __future__ import annotations

from typing import Any

from curation.releases.report.charts import plot, short
from curation.releases.report.page import folded, table
from schemas.groups import SEPARATOR, parted

CELL, MAX_WIDTH = 24, 260
ROWS, STEPS = 40, 40
"""Groups at most in a picture: those with most tokens, and their first steps."""
PHASES = 12


def heat_maps(manifest: dict[str, Any]) -> str:
    """Two pictures a phase that groups by two names or more, the last along x; nothing where none does."""
    made: list[str] = []
    for phase in manifest["phases"]:
        by = phase.get("by") or ""
        if SEPARATOR in by and len(made) < PHASES:
            made.append(_of_phase(phase, by, manifest["groups"].get(by, {})))
    return "".join(made)


def _of_phase(phase: dict[str, Any], by: str, pool: dict[str, Any]) -> str:
    names = by.split(SEPARATOR)
    rows: list[tuple[str, str, int, float | None]] = []
    for label, amount in phase["realised"].items():
        parts = parted(label)
        held = pool.get(label, {}).get("tokens")
        rows.append((" / ".join(parts[:-1]), parts[-1], amount["tokens"], amount["tokens"] / held if held else None))
    rows.sort()
    sums: dict[str, int] = {}
    for group, _, tokens, _ in rows:
        sums[group] = sums.get(group, 0) + tokens
    groups = sorted(sums, key=lambda group: (-sums[group], group))[:ROWS]
    steps = sorted({step for _, step, _, _ in rows})[:STEPS]
    values = [
        {"group": short(group), "step": short(step), "tokens": tokens, "epochs": epochs}
        for group, step, tokens, epochs in rows
        if group in groups and step in steps
    ]
    inner, outer = short(names[-1]), short(" / ".join(names[:-1]))

    def grid(what: str, title: str, form: str) -> dict[str, Any]:
        return {
            "width": max(120, min(MAX_WIDTH, CELL * len(steps))),
            "height": {"step": 16},
            "mark": "rect",
            "encoding": {
                "x": {
                    "field": "step",
                    "type": "nominal",
                    "sort": None,
                    "title": None,
                    "axis": {"labelOverlap": True, "labelAngle": 0},
                },
                "y": {"field": "group", "type": "nominal", "sort": None, "title": None},
                "color": {
                    "field": what,
                    "type": "quantitative",
                    "title": title,
                    "scale": {"scheme": "viridis", "zero": True},
                    "legend": {"format": form},
                },
            },
        }

    picture = plot(
        {
            "title": f"{short(phase['name'])}: {outer} by {inner}",
            "data": {"values": values},
            "hconcat": [grid("tokens", "tokens written", "~s"), grid("epochs", "epochs", ".2~f")],
            "resolve": {"scale": {"color": "independent"}},
        },
        f"Tokens and epochs of each group, phase {phase['name']}",
        numbers=False,
    )
    shown = [[*row] for row in rows[: ROWS * STEPS]]
    return picture + folded(
        f"{phase['name']}: {len(rows):,} groups as a table",
        table([" / ".join(names[:-1]), names[-1], "tokens written", "epochs"], shown),
    )
