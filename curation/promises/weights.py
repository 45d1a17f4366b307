"""The weights that phases were planned with."""

from __future__ import annotations

from curation.promises.release_rows import ReleaseRows
from schemas.promises import Weights


def weights(release: ReleaseRows, params: Weights) -> list[str]:
    """The weights that are others."""
    faults = []
    planned = {phase["name"]: phase["weights"] for phase in release.manifest["phases"]}
    for phase in release.phases(params.phases):
        found = planned[phase]
        for label, wanted in params.weights.items():
            if abs(found.get(label, 0.0) - wanted) > params.within:
                faults.append(f"phase {phase}: {label!r} weighs {found.get(label, 0.0):.5f}, not {wanted:g}")
        for label, least in params.at_least.items():
            if found.get(label, 0.0) < least:
                faults.append(f"phase {phase}: {label!r} weighs {found.get(label, 0.0):.5f}, less than {least:g}")
        ranked = sorted(found, key=lambda label: (-found[label], label))
        if params.ranked:
            parts = [found[label] / found[ranked[0]] for label in ranked]
            close = len(parts) == len(params.ranked) and all(
                abs(one - other) <= params.within for one, other in zip(parts, params.ranked, strict=True)
            )
            if not close:
                faults.append(
                    f"phase {phase}: its weights are {', '.join(f'{part:.4f}' for part in parts)} of the greatest"
                )
        if ranked[: len(params.greatest)] != params.greatest:
            faults.append(
                f"phase {phase}: the greatest weights have {', '.join(map(repr, ranked[: len(params.greatest)]))}"
            )
    return faults
