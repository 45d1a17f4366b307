"""What the recipe promises of its release, and whether it holds."""

from __future__ import annotations

import html
from typing import Any

from curation.releases.report.page import table


def promised(manifest: dict[str, Any]) -> str:
    """What the recipe is for, and a row a promise; escaped, for a fault may name labels that come from documents."""
    rows = [
        [
            "holds" if one["holds"] else "does not hold",
            one["says"] or one["check"],
            one["check"],
            "; ".join(one["faults"]),
        ]
        for one in manifest.get("promises", [])
    ]
    if not rows:
        return ""
    return f"<p>{html.escape(manifest['recipe'].get('description', ''))}</p>" + table(
        ["", "promise", "check", "what was found"], rows
    )
