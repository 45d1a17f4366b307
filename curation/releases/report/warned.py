"""The warnings of a run: what it took by surprise, with examples."""

from __future__ import annotations

import html
from typing import Any

from curation.releases.warnings import said, shown
from schemas.manifest import RunWarning


def warned(manifest: dict[str, Any]) -> str:
    """A list of sentences, each with its examples; escaped, for labels, reasons and excerpts come from outside."""
    parts = []
    for plain in manifest.get("warnings", []):
        warning = RunWarning.model_validate(plain)
        examples = "".join(f"<li class='small'>{html.escape(shown(one))}</li>" for one in warning.examples)
        parts.append(f"<li>{html.escape(said(warning))}{f'<ul>{examples}</ul>' if examples else ''}</li>")
    return f"<ul>{''.join(parts)}</ul>" if parts else ""
