"""What each batch holds."""

from __future__ import annotations

import polars as pl

from curation.promises.release_rows import ReleaseRows, share_of
from schemas.promises import Batches


def batches(release: ReleaseRows, params: Batches) -> list[str]:
    """The phases of which too few batches are made so."""
    faults = []
    for phase in release.phases(params.phases):
        labels = release.labels(phase, params.by).with_row_index("row")
        n = len(labels) // params.size
        full = labels.head(n * params.size).with_columns(batch=pl.col("row") // params.size)
        counts = full.group_by("batch", "label").len("rows")
        if params.counts:
            wanted = pl.DataFrame({"label": list(params.counts), "wanted": list(params.counts.values())})
            every = pl.DataFrame({"batch": range(n)}, schema={"batch": counts["batch"].dtype}).join(wanted, how="cross")
            joined = every.join(counts, on=["batch", "label"], how="left").with_columns(pl.col("rows").fill_null(0))
            good = joined.group_by("batch").agg((pl.col("rows") == pl.col("wanted")).all().alias("good"))
        elif params.largest:
            ranked = counts.group_by("batch").agg(pl.col("rows").sort(descending=True))
            good = ranked.select((pl.col("rows").cast(pl.List(pl.Int64)) == params.largest).alias("good"))
        else:
            good = counts.group_by("batch").len("labels").select((pl.col("labels") >= params.labels).alias("good"))
        held = int(good["good"].sum())
        if share_of(held, n) < params.share - 1e-9 or not n:
            faults.append(
                f"phase {phase}: {held:,} of {n:,} batches of {params.size} rows are made so, not {params.share:.0%}"
            )
    return faults
