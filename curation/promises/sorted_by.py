"""Rows in the order of a column."""

from __future__ import annotations

import polars as pl

from curation.promises.release_rows import ReleaseRows
from schemas.promises import SortedBy


def sorted_by(release: ReleaseRows, params: SortedBy) -> list[str]:
    """The phases in which a row stands before one that should precede it."""
    faults = []
    for phase in release.phases(params.phases):
        column = release.rows(phase, [params.by])[params.by].head(params.rows or 2**62)
        if not column.dtype.is_numeric():
            column = column.cast(pl.String)
        before, after = column[:-1], column[1:]
        wrong = (before < after) if params.descending else (before > after)
        if wrong.any():
            faults.append(
                f"phase {phase}: {params.by} {'rises' if params.descending else 'falls'} {int(wrong.sum()):,} times"
            )
    return faults
