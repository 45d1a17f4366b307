"""The share of each phase that matches filters."""

from __future__ import annotations

from curation.promises.release_rows import ReleaseRows, matching, share_of
from schemas.promises import ShareOfPhase


def share(release: ReleaseRows, params: ShareOfPhase) -> list[str]:
    """The phases whose share is another."""
    faults = []
    for phase in release.phases(params.phases):
        hit = all_ = 0
        for chunk in release.chunks(phase, ["tokens", *params.where]):
            kept = matching(chunk, params.where)
            hit += len(kept) if params.unit == "documents" else int(kept["tokens"].sum())
            all_ += len(chunk) if params.unit == "documents" else int(chunk["tokens"].sum())
        found = share_of(hit, all_)
        least = params.share if params.share is not None else params.min
        most = params.share if params.share is not None else params.max
        if least is not None and found < least - params.within - 1e-9:
            faults.append(f"phase {phase}: a share of {found:.4f} of the {params.unit}, less than {least:g}")
        if most is not None and found > most + params.within + 1e-9:
            faults.append(f"phase {phase}: a share of {found:.4f} of the {params.unit}, more than {most:g}")
    return faults
