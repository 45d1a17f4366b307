"""What stands beside the tokens, such as a teacher's likeliest ones and their probabilities."""

from __future__ import annotations

import polars as pl

from curation.promises.release_rows import Broken, ReleaseRows, share_of
from schemas.promises import TokenColumn


def token_column(release: ReleaseRows, params: TokenColumn) -> list[str]:
    """The phases in which tokens with loss lack the column, or it holds something else of them."""
    faults = []
    name = params.column
    for phase in release.phases(params.phases):
        trained = there = outside = among = 0
        for chunk in release.chunks(phase, ["input_ids", "loss_mask", name]):
            trained += int(chunk["loss_mask"].list.sum().sum())
            chunk = chunk.filter(pl.col(name).is_not_null())
            if (chunk["input_ids"].list.len() != chunk[name].list.len()).any():
                raise Broken(f"{name} is not as long as input_ids")
            tokens = chunk.explode("input_ids", "loss_mask", name).filter(pl.col("loss_mask") == 1)
            if not isinstance(tokens.schema[name], pl.Array):
                tokens = tokens.with_columns(pl.concat_list(name).list.to_array(1))
            tokens = tokens.filter(pl.col(name).arr.max() != 0)
            there += len(tokens)
            sums = tokens[name].arr.sum()
            if params.total is not None:
                low, high = params.total.min, params.total.max
                outside += int(((sums < low) if low is not None else sums.is_null()).sum())
                outside += int(((sums > high) if high is not None else sums.is_null()).sum())
            if params.holds_token is not None:
                own = pl.col("input_ids").cast(tokens.schema[name].inner)  # type: ignore[attr-defined]
                among += int(tokens.select(pl.col(name).arr.contains(own))[name].sum())
        if share_of(there, trained) < params.share:
            faults.append(f"phase {phase}: {there:,} of {trained:,} tokens with loss have {name}")
        if outside:
            faults.append(f"phase {phase}: of {outside:,} of {there:,} tokens {name} adds up to less or more")
        if params.holds_token is not None and share_of(among, there) < params.holds_token:
            faults.append(f"phase {phase}: {name} has the token itself for {among:,} of {there:,}")
    return faults
