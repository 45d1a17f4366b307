"""Repeated substrings: how much of each source they are, the longest and the most frequent ones."""

from __future__ import annotations

import html
from typing import Any

from curation import storage
from curation.releases.report.page import folded, table

SPANS = "samples/substrings.parquet"


def substrings(manifest: dict[str, Any], folder: str) -> str:
    """A table by source, and a part a span; nothing where none were looked for."""
    found = manifest.get("substrings", [])
    if not found:
        return ""
    rows = [
        [
            one["source"],
            one["documents_before"],
            one["repeated_documents"],
            one["repeated_spans"],
            one["repeated_bytes"],
            one["repeated_bytes"] / one["bytes_before"] if one["bytes_before"] else 0.0,
        ]
        for one in found
    ]
    names = ["source", "documents", "with repeats", "spans", "bytes that stood before", "share of its bytes"]
    by_source = table(names, rows)
    path = storage.join(folder, SPANS)
    if not storage.exists(path):
        return by_source
    with storage.open_parquet(path) as file:
        spans = file.read().to_pylist()
    longest = sorted(spans, key=lambda one: (-one["bytes"], -one["times"], one["id"]))
    return by_source + "".join(_span(one) for one in longest)


def _span(span: dict[str, Any]) -> str:
    times = f"{span['times']:,} times" if span["times"] > 1 else "once"
    said = f"{span['bytes']:,} bytes, {times} after the first: {span['excerpt'][:60]}"
    where = table(
        ["", "id", "from byte"],
        [["stands first", span["first_id"], span["first_start"]], ["and in", span["id"], span["start"]]],
    )
    return folded(said, f'{where}<div class="x">{html.escape(span["excerpt"])}</div>')
