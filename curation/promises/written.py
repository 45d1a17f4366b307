"""How texts begin, or what stands in them."""

from __future__ import annotations

import polars as pl

from curation.promises.release_rows import Broken, ReleaseRows, label_of, share_of
from schemas.formatters import template_parts
from schemas.promises import Written


def written(release: ReleaseRows, params: Written) -> list[str]:
    """The phases in which another share of the rows is written so."""
    faults = []
    template = params.begins if params.begins is not None else params.holds
    parts = template_parts(template) if template is not None else []
    names = [part for part, is_name in parts if is_name]
    for phase in release.phases(params.phases):
        hit = total = 0
        for chunk in release.chunks(phase, [params.column, *names]):
            total += len(chunk)
            texts = chunk[params.column].cast(pl.String).fill_null("")
            if params.pattern is not None:
                try:
                    found = texts.str.contains(params.pattern)
                except pl.exceptions.ComputeError:
                    raise Broken(f"the pattern {params.pattern!r} is no regular expression") from None
            else:
                wanted = pl.concat_str([label_of(chunk, part) if is_name else pl.lit(part) for part, is_name in parts])
                text = pl.col("text").str
                test = text.starts_with(wanted) if params.begins is not None else text.contains(wanted, literal=True)
                found = pl.DataFrame({"text": texts}).with_columns(hit=test)["hit"]
            hit += int(found.sum())
        if abs(share_of(hit, total) - params.share) > params.within + 1e-9:
            faults.append(
                f"phase {phase}: {params.column} is written so in {hit:,} of {total:,} rows, not {params.share:.0%}"
            )
    return faults
