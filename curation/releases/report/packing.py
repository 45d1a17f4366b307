"""What packing cost: how much of the rows is filled up, documents that are cut, tokens that are thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def packing(manifest: Mapping[str, Any]) -> str | None:
    """A sentence; None where a row is a document. manifest: as plain data."""
    cost = manifest.get("packing")
    if not cost:
        return None
    length = manifest["recipe"]["shards"]["sequence_length"]
    rows = sum(shard["rows"] for shard in manifest["shards"])
    share = cost["padded"] / (rows * length) if rows else 0.0
    return (
        f"packed into {rows:,} rows of {length:,} tokens: {cost['padded']:,} filled up ({share:.2%}), "
        f"{cost['cut']:,} documents cut, {cost['dropped_tokens']:,} tokens thrown away"
    )
