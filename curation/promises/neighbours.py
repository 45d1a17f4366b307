"""Whether rows that follow each other differ."""

from __future__ import annotations

from curation.promises.release_rows import ReleaseRows, share_of
from schemas.promises import Neighbours


def neighbours(release: ReleaseRows, params: Neighbours) -> list[str]:
    """The phases in which another share of the neighbours differs."""
    faults = []
    for phase in release.phases(params.phases):
        labels = release.labels(phase, params.by)["label"].head(params.rows or 2**62)
        found = share_of(int((labels[:-1] != labels[1:]).sum()), len(labels) - 1)
        if not params.min - 1e-9 <= found <= params.max + 1e-9:
            faults.append(f"phase {phase}: a share of {found:.4f} of the neighbours differ in {params.by}")
    return faults
