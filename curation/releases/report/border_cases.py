"""What each rule dropped next to what it just kept: the cases on either side of its bound."""

from __future__ import annotations

import html
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curation import storage
from curation.releases.report.page import folded

SHOWN = 4
"""Documents a side."""
BORDERS = "samples/borders.parquet"


def border_cases(manifest: dict[str, Any], folder: str) -> str:
    """A part a rule, those that drop most first; the dropped ones nearest their bound, then in the ledger's order."""
    kept: dict[tuple[str, str], list[dict[str, Any]]] = {}
    if storage.exists(storage.join(folder, BORDERS)):
        with storage.open_parquet(storage.join(folder, BORDERS)) as file:
            for row in file.read().to_pylist():
                kept.setdefault((row["stage"], row["rule"]), []).append(row)
    parts = []
    for stage in manifest["funnel"]:
        dropped = dropped_samples(folder, stage["stage"]) if stage["dropped"] else {}
        for rule, n in sorted(stage["dropped"].items(), key=lambda x: (-x[1], x[0])):
            left = "".join(_case(row, "dropped") for row in dropped.get(rule, []))
            right = "".join(_case(row, "kept") for row in kept.get((stage["stage"], rule), [])[:SHOWN])
            right = right or '<p class="small">Nothing measured to show.</p>'
            pair = f'<div class="pair"><div><b>dropped</b>{left}</div><div><b>just kept</b>{right}</div></div>'
            parts.append(folded(f"{stage['stage']}: {rule} ({n:,})", pair))
    return "".join(parts) or "<p>Nothing was dropped.</p>"


def _case(row: dict[str, Any], side: str) -> str:
    measured = ""
    if row["value"] is not None and row["threshold"] is not None:
        measured = f"{row['value']:.4g}, bound {row['threshold']:.4g}; "
    said = f"{measured}{row.get('source', '')} {row['id'][:12]}"
    return (
        f'<div class="case {side}"><div class="small">{html.escape(said)}</div>'
        f'<div class="x">{html.escape(row["excerpt"] or "")}</div></div>'
    )


def dropped_samples(folder: str, stage: str) -> dict[str, list[dict[str, Any]]]:
    """The shown documents of each rule: of each file's, those nearest the bound; a row group of the ledger at a time."""
    found: dict[str, list[dict[str, Any]]] = {}
    place = storage.join(folder, "dropped", stage)
    columns = ["id", "source", "rule", "value", "threshold", "excerpt"]
    for name in storage.list_folder(place):
        for table in storage.row_groups(storage.join(place, name), columns):
            for rule in table["rule"].unique().to_pylist():
                found[rule] = (found.get(rule, []) + _nearest(table, rule))[: 2 * SHOWN]
                found[rule] = sorted(found[rule], key=_gap)[:SHOWN]
    return found


def _nearest(table: pa.Table, rule: str) -> list[dict[str, Any]]:
    mine = table.filter(pc.equal(table["rule"], rule))
    gap = pc.fill_null(pc.abs(pc.subtract(mine["value"], mine["threshold"])), float("inf"))
    order = pc.sort_indices(gap)[:SHOWN]
    rows: list[dict[str, Any]] = mine.take(order).to_pylist()
    return rows


def _gap(row: dict[str, Any]) -> float:
    if row["value"] is None or row["threshold"] is None:
        return float("inf")
    return abs(float(row["value"] - row["threshold"]))
