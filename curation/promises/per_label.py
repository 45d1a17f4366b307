"""How many documents there are of each label."""

from __future__ import annotations

import polars as pl

from curation.promises.release_rows import ReleaseRows
from schemas.promises import PerLabel


def per_label(release: ReleaseRows, params: PerLabel) -> list[str]:
    """The labels with too few or too many different documents in the phases together."""
    rows = pl.concat([release.labels(phase, params.by, ["id"]) for phase in release.phases(params.phases)])
    counted = rows.group_by("label").agg(pl.col("id").n_unique().alias("n"))
    wrong = counted.filter((pl.col("n") < params.min) | (pl.col("n") > (params.max or 2**62))).sort("label")
    return [f"{label!r} has {n:,} documents" for label, n in wrong.head(5).iter_rows()]
