"""How often what each step of the pool holds is written."""

from __future__ import annotations

from itertools import pairwise

import polars as pl

from curation.promises.release_rows import Broken, ReleaseRows
from schemas.promises import CopiesByStep


def copies_by_step(release: ReleaseRows, params: CopiesByStep) -> list[str]:
    """The steps whose copies go another way. Copies: tokens written of a step by tokens that the pool holds of it."""
    keys = [params.by] if params.within_each is None else [params.within_each, params.by]
    held = {
        tuple(label.rsplit("/", len(keys) - 1)): amount["tokens"]
        for label, amount in release.pool("/".join(keys)).items()
    }
    written: dict[tuple[str, ...], int] = {}
    for phase in release.phases(params.phases):
        rows = release.rows(phase, [*keys, "tokens"]).with_columns(pl.col(key).cast(pl.String) for key in keys)
        for *labels, tokens in rows.group_by(keys).agg(pl.col("tokens").sum()).iter_rows():
            written[tuple(labels)] = written.get(tuple(labels), 0) + tokens
    faults = []
    for group in sorted({key[:-1] for key in held}):
        steps = sorted(key[-1] for key in held if key[:-1] == group)
        if len(steps) <= params.lowest:
            raise Broken(f"{params.by} has {len(steps)} steps")
        copies = [written.get((*group, step), 0) / held[*group, step] for step in steps]
        place = f"{params.within_each} {group[0]!r}: " if group else ""
        if any(copies[: params.lowest]):
            faults.append(f"{place}one of the {params.lowest} lowest steps is written")
        if params.most is not None and max(copies) > params.most + 0.01:
            faults.append(f"{place}a step is written {max(copies):.2f} times, more than {params.most:g}")
        sign = {"rising": 1, "falling": -1, "none": 0}[params.direction]
        rest = copies[params.lowest :]
        wrong = [number for number, (one, after) in enumerate(pairwise(rest)) if (after - one) * sign < -params.slack]
        if wrong:
            number = wrong[0]
            faults.append(
                f"{place}copies go from {rest[number]:.2f} to {rest[number + 1]:.2f} "
                f"between steps {steps[params.lowest + number]!r} and {steps[params.lowest + number + 1]!r}"
            )
    return faults
