"""Pairs of near duplicates with the words that differ: the least alike that were dropped, and the largest clusters."""

from __future__ import annotations

from typing import Any

from curation import storage
from curation.report.page import changed, folded, table

DUPLICATES = "samples/duplicates.parquet"


def duplicates(folder: str) -> str:
    """A part a pair; nothing where no near duplicate was dropped."""
    path = storage.join(folder, DUPLICATES)
    if not storage.exists(path):
        return ""
    with storage.open_parquet(path) as file:
        rows = file.read().to_pylist()
    return "".join(_pair(row) for row in rows)


def shares_by_source(manifest: dict[str, Any]) -> str:
    """How duplicates shift the sources' shares of the text; nothing where nothing was looked for."""
    found = manifest.get("duplicates", [])
    before, after = (sum(one[f"bytes_{when}"] for one in found) or 1 for when in ("before", "after"))
    rows = [
        [
            one["source"],
            one["documents_before"],
            one["documents_after"],
            one["bytes_before"] / before,
            one["bytes_after"] / after,
        ]
        for one in found
    ]
    return table(["source", "documents before", "after", "share of the text before", "after"], rows)


def _pair(row: dict[str, Any]) -> str:
    said = f"similarity {row['similarity']:.3f}, {row['cluster']:,} dropped for {row['kept_id'][:12]}"
    changes = "".join(changed(one["there"], one["here"]) for one in row["changes"])
    words = table(
        ["", "id", "source"],
        [["stays", row["kept_id"], row["kept_source"]], ["dropped", row["id"], row["source"]]],
    )
    counts = f"<p>{row['same']:,} words in common, {row['removed']:,} only there, {row['added']:,} only here</p>"
    return folded(said, words + counts + changes)
