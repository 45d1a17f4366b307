"""How many groups a global batch holds: what a balance over batches needs to be large.

Source: load-balancing loss over the global batch (Qiu et al. 2025): experts may specialise where each global batch holds many domains.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from curation.promises.release_rows import Broken, ReleaseRows
from curation.releases.report.page import table


def batch_labels(manifest: dict[str, Any], folder: str) -> str:
    """A row a phase that is mixed or ordered by a column: the least and the mean number of its labels in a full batch."""
    size = (manifest["recipe"].get("trainer") or {}).get("global_batch")
    if not size or manifest["recipe"]["shards"].get("sequence_length") is not None or manifest.get("swarm") is not None:
        return ""
    release = ReleaseRows(folder, manifest)
    rows = []
    for phase in manifest["phases"]:
        by = phase.get("by") or "source"
        if phase["name"] not in release.trained:
            continue
        try:
            labels = release.labels(phase["name"], by).with_row_index("row")
        except Broken:  # groups of several names, or pools: no column of the shards
            continue
        full = labels.head(len(labels) // size * size)
        counts = full.group_by(pl.col("row") // size).agg(pl.col("label").n_unique().alias("labels"))["labels"]
        if len(counts):
            known = labels["label"].n_unique()
            rows.append(
                [phase["name"], by, known, len(counts), counts.min(), round(float(counts.to_numpy().mean()), 2)]
            )
    return table(["phase", "by", "labels", f"full batches of {size:,}", "labels in a batch: least", "mean"], rows)
