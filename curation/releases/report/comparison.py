"""Two releases side by side: what changed, as a table with the changes drawn beside it."""

from __future__ import annotations

import html
from typing import Any

from curation.releases.changes import Change, changes

MOST = 120
"""Figures shown; the rest are groups with small shares."""


def comparison(before: dict[str, Any], after: dict[str, Any]) -> str:
    """A row a figure: before, after, the difference."""
    found = changes(before, after)
    names = (html.escape(before["release"]), html.escape(after["release"]))
    head = f"<tr><th>figure</th><th class=n>{names[0]}</th><th class=n>{names[1]}</th><th class=n>difference</th></tr>"
    more = f"<p>and {len(found) - MOST:,} more groups</p>" if len(found) > MOST else ""
    return f"<table tabindex=0>{head}{''.join(map(_row, found[:MOST]))}</table>{more}"


def shown(value: float | None, kind: str, *, signed: bool = False) -> str:
    """A count with thousands, a share in percent; a dash where there is none."""
    if value is None:
        return "–"
    if kind == "count":
        return f"{value:+,.0f}" if signed else f"{value:,.0f}"
    return f"{100 * value:+.2f} points" if signed else f"{100 * value:.2f} %"


def _row(change: Change) -> str:
    cells = (
        shown(change.before, change.kind),
        shown(change.after, change.kind),
        shown(change.difference, change.kind, signed=True),
    )
    figures = "".join(f'<td class="n">{cell}</td>' for cell in cells)
    return f"<tr><td>{html.escape(change.what)}</td>{figures}</tr>"
