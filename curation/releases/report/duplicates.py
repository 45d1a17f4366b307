"""Pairs of near duplicates with the words that differ: the least alike that were dropped, one of each of the largest
clusters, and those that were just kept."""

from __future__ import annotations

from typing import Any

from curation import storage
from curation.releases.report.page import changed, folded, table

DUPLICATES = "samples/duplicates.parquet"
SHOWN_GROUPS = 30
"""Of a grouping, the largest."""


def duplicates(folder: str) -> str:
    """A part a pair; nothing where no near duplicate was dropped."""
    path = storage.join(folder, DUPLICATES)
    if not storage.exists(path):
        return ""
    with storage.open_parquet(path) as file:
        rows = file.read().to_pylist()
    return "".join(_pair(row) for row in rows)


def shift(manifest: dict[str, Any]) -> str:
    """How duplicates shift the shares of sources and groups; nothing where nothing was looked for."""
    tables = []
    found = manifest.get("duplicates", [])
    for by in dict.fromkeys(one["by"] for one in found):
        mine = [one for one in found if one["by"] == by]
        before, after = (sum(one[f"bytes_{when}"] for one in mine) or 1 for when in ("before", "after"))
        mine = sorted(mine, key=lambda one: (-one["bytes_before"], one["label"]))[:SHOWN_GROUPS]
        rows = [
            [
                one["label"],
                one["documents_before"],
                one["documents_after"],
                one["bytes_before"] / before,
                one["bytes_after"] / after,
            ]
            for one in mine
        ]
        tables.append(table([by, "documents before", "after", "share of the text before", "after"], rows))
    return "".join(tables)


def _pair(row: dict[str, Any]) -> str:
    dropped = row["cluster"] > 0
    what = f"{row['cluster']:,} dropped for {row['kept_id'][:12]}" if dropped else "just kept: both stay"
    said = f"similarity {row['similarity']:.3f}, {what}"
    changes = "".join(changed(one["there"], one["here"]) for one in row["changes"])
    words = table(
        ["", "id", "source"],
        [
            ["stays", row["kept_id"], row["kept_source"]],
            ["dropped" if dropped else "stays too", row["id"], row["source"]],
        ],
    )
    counts = f"<p>{row['same']:,} words in common, {row['removed']:,} only there, {row['added']:,} only here</p>"
    return folded(said, words + counts + changes)
