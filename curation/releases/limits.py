"""Whether a release keeps the recipe's limits, from its manifest and its pool, before it is published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from curation import storage
from schemas.limits import Bounds, Limits
from schemas.manifest import Manifest


def broken(
    limits: Limits, manifest: Manifest, folder: str, sources: Mapping[str, tuple[int, int, dict[str, dict[str, int]]]]
) -> list[str]:
    """One sentence a limit that does not hold: which, the value, the bound. ``folder``: the release, its pool written.

    sources: of each documents read, rows malformed, and documents dropped by stage and rule.
    """
    found: list[str] = []

    def hold(place: str, value: float | None, bounds: Bounds) -> None:
        if value is None:
            found.append(f"limits.{place}: there is nothing to measure")
        elif bounds.min is not None and value < bounds.min:
            found.append(f"limits.{place}: {value:.4g} is under {bounds.min:g}")
        elif bounds.max is not None and value > bounds.max:
            found.append(f"limits.{place}: {value:.4g} is over {bounds.max:g}")

    stages = {stage.stage: stage for stage in manifest.funnel}
    if limits.drop_rate is not None:
        read, left = manifest.funnel[0].in_, stages["schedule"].in_
        hold("drop_rate", (read - left) / read if read else None, limits.drop_rate)
    for name, bounds in limits.stage_drop_rate.items():
        stage = stages.get(name)
        hold(f"stage_drop_rate.{name}", 1 - stage.out / stage.in_ if stage is not None and stage.in_ else None, bounds)
    for source, (read, bad, dropped) in sources.items():
        most = _of_source(limits.source_drop_rate, source)
        if most is not None and read:
            by_stage = {name: sum(rules.values()) for name, rules in dropped.items() if name != "schedule"}
            rate = sum(by_stage.values()) / read
            if rate > most:
                stage_ = max(by_stage, key=lambda name: by_stage[name])
                found.append(
                    f"limits.source_drop_rate.{source}: {rate:.4g} is over {most:g}; {stage_} dropped most, "
                    f"{by_stage[stage_]:,} of {read:,} documents"
                )
        at_most = _of_source(limits.bad_rows, source)
        if at_most is not None and bad + read and bad / (bad + read) > at_most:
            found.append(
                f"limits.bad_rows.{source}: {bad / (bad + read):.4g} is over {at_most:g}: {bad:,} malformed rows"
            )
    if limits.language_share or limits.mean_quality is not None:
        counts, quality = _languages_and_quality(folder)
        total = sum(counts.values())
        for language, bounds in limits.language_share.items():
            hold(f"language_share.{language}", counts.get(language, 0) / total if total else None, bounds)
        if limits.mean_quality is not None:
            hold("mean_quality", quality, limits.mean_quality)
    for by, labels in limits.group_share.items():
        group = manifest.groups.get(by, {})
        tokens = sum(amount.tokens for amount in group.values())
        for label, bounds in labels.items():
            share = (group[label].tokens if label in group else 0) / tokens if tokens else None
            hold(f"group_share.{by}.{label}", share, bounds)
    return found


def _of_source(bound: float | dict[str, float] | None, source: str) -> float | None:
    return bound.get(source) if isinstance(bound, dict) else bound


def _languages_and_quality(folder: str) -> tuple[dict[str, int], float | None]:
    """Documents of the pool by language, and their mean quality."""
    place = storage.join(folder, "pool")
    counts: dict[str, int] = {}
    total, scored = 0.0, 0
    for name in storage.list_folder(place):
        with storage.open_read(storage.join(place, name)) as stream:
            table: Any = pq.read_table(stream, columns=["language", "quality"])
        for row in table["language"].value_counts().to_pylist():
            if row["values"] is not None:
                counts[row["values"]] = counts.get(row["values"], 0) + row["counts"]
        quality = table["quality"].drop_null().to_numpy().astype(np.float64)
        total, scored = total + float(quality.sum()), scored + len(quality)
    return counts, total / scored if scored else None
