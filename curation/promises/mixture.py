"""How each phase is mixed, held against weights."""

from __future__ import annotations

import polars as pl

from curation.promises.release_rows import Broken, ReleaseRows, share_of
from schemas.promises import MixtureOfPhase


def mixture(release: ReleaseRows, params: MixtureOfPhase) -> list[str]:
    """The labels whose part of a phase is another."""
    faults = []
    planned = {phase["name"]: phase["weights"] for phase in release.manifest["phases"]}
    grouped = {phase["name"]: phase.get("by") for phase in release.manifest["phases"]}
    for phase in release.phases(params.phases):
        size = pl.len() if params.unit == "documents" else pl.col("tokens").sum()
        sums = release.labels(phase, params.by, ["tokens"]).group_by("label").agg(size.alias("size"))
        found = dict(sums.iter_rows())
        if isinstance(params.weights, dict):
            wanted = dict(params.weights)
        elif params.weights == "even":
            # A label that is not there at all is no even mixture: the plan says which there should be.
            due = [label for label, weight in planned.get(phase, {}).items() if weight > 0]
            wanted = dict.fromkeys([*found, *(due if grouped.get(phase) == params.by else [])], 1.0)
        elif params.weights == "pool":
            wanted = {label: float(amount[params.unit]) for label, amount in release.pool(params.by).items()}
        else:
            if phase not in planned:
                raise Broken(f"the manifest plans no phase {phase!r}")
            wanted = dict(planned[phase])
        scaled = {label: weight**params.power for label, weight in wanted.items() if weight > 0}
        for label in sorted({*found, *scaled}):
            part = share_of(found.get(label, 0), sum(found.values()))
            aim = share_of(scaled.get(label, 0.0), sum(scaled.values()))
            if abs(part - aim) > params.within + 1e-9:
                faults.append(f"phase {phase}: {label!r} has {part:.4f} of the {params.unit}, not {aim:.4f}")
    return faults
