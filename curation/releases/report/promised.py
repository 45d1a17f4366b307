"""What the recipe promises of its release, and whether it holds."""

from __future__ import annotations

from typing import Any

from curation.releases.report.page import table


def promised(manifest: dict[str, Any]) -> str:
    """A row a promise; escaped, for a fault may name labels that come from documents."""
    rows = [
        [
            "holds" if one["holds"] else "does not hold",
            one["says"] or one["check"],
            one["check"],
            "; ".join(one["faults"]),
        ]
        for one in manifest.get("promises", [])
    ]
    return table(["verdict", "promise", "check", "what was found"], rows)
