"""Whether the chosen stand above the rest."""

from __future__ import annotations

import polars as pl

from curation.promises.release_rows import ReleaseRows
from schemas.promises import Outranks, Side


def outranks(release: ReleaseRows, params: Outranks) -> list[str]:
    """How many documents that were not chosen have a better score than one that was; a document without a score is one too."""

    def of(side: Side) -> pl.DataFrame:
        phases = release.phases(side.phases if side.phases is not None else params.phases)
        return pl.concat([release.rows(phase, ["id", params.by], side.where) for phase in phases]).unique("id")

    chosen, rest = of(params.chosen), of(params.rest)
    rest = rest.filter(~pl.col("id").is_in(chosen["id"].implode()))
    if not len(chosen) or not len(rest):
        return [f"no document is {'chosen' if not len(chosen) else 'left'}"]
    unknown = chosen[params.by].null_count() + rest[params.by].null_count()
    better = rest[params.by] > chosen[params.by].min() if params.highest else rest[params.by] < chosen[params.by].max()
    wrong = int(better.sum()) + unknown
    return [f"{wrong:,} of {len(rest):,} documents of the rest are better than a chosen one"] if wrong else []
