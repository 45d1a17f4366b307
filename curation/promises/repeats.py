"""How often documents stand in a release."""

from __future__ import annotations

import polars as pl

from curation.promises.release_rows import ReleaseRows
from schemas.promises import Repeats


def repeats(release: ReleaseRows, params: Repeats) -> list[str]:
    """The documents that stand there another number of times, counted."""
    columns = ["id"] if params.by is None else ["id", params.by]
    rows = pl.concat([release.rows(phase, columns, params.where) for phase in release.phases(params.phases)])
    if not len(rows):
        return ["no document matches"]
    value = (
        []
        if params.by is None
        else [pl.col(params.by).first().cast(pl.String).cast(pl.Float64, strict=False).alias("value")]
    )
    counted = rows.group_by("id").agg(pl.len().alias("times"), *value)
    if params.most is not None:
        wrong = counted.filter(pl.col("times") > params.most)
        said = f"more than {params.most} times"
    elif params.times is not None:
        wrong = counted.filter(pl.col("times") != params.times)
        said = f"not {params.times} times"
    else:
        steps = sorted((float(value), times) for value, times in params.starting.items())
        wanted = pl.lit(0)
        for start, times in steps:
            wanted = pl.when(pl.col("value") >= start).then(times).otherwise(wanted)
        wrong = counted.filter(pl.col("value").is_null() | (pl.col("times") != wanted))
        said = f"another number of times than {params.by} says"
    if not len(wrong):
        return []
    return [
        f"{len(wrong):,} of {len(counted):,} documents stand there {said} (one of them {int(wrong['times'].to_numpy().max())} times)"
    ]
