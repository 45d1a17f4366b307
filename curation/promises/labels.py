"""Which labels phases hold."""

from __future__ import annotations

from curation.promises.release_rows import ReleaseRows
from schemas.promises import Labels


def labels(release: ReleaseRows, params: Labels) -> list[str]:
    """The phases that hold other labels, or another number of new ones."""
    faults = []
    phases = release.phases(params.phases)
    held = [set(release.labels(phase, params.by)["label"].unique()) for phase in phases]
    if params.are:
        wanted = set(params.are)
        for phase, there in zip(phases, held, strict=True):
            if there != wanted:
                more, fewer = sorted(there - wanted), sorted(wanted - there)
                what = [f"holds {more[0]!r}"] * bool(more) + [f"lacks {fewer[0]!r}"] * bool(fewer)
                faults.append(f"phase {phase} {' and '.join(what)}")
        return faults
    if len(params.new) != len(phases):
        return [f"there are {len(phases)} phases, not {len(params.new)}"]
    met: set[str] = set()
    for phase, there, wanted_new in zip(phases, held, params.new, strict=True):
        if len(there - met) != wanted_new:
            faults.append(f"phase {phase} holds {len(there - met)} new labels, not {wanted_new}")
        met |= there
    return faults
