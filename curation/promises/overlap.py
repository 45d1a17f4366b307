"""Whether phases share documents."""

from __future__ import annotations

from itertools import combinations

from curation.promises.release_rows import ReleaseRows
from schemas.promises import Overlap


def overlap(release: ReleaseRows, params: Overlap) -> list[str]:
    """The pairs of phases that share documents, or do not, against the promise."""
    ids = {phase: set(release.rows(phase, ["id"], params.where)["id"]) for phase in release.phases(params.phases)}
    if len(ids) < 2:
        return [f"there is one phase, {next(iter(ids))}, which can share nothing"]
    faults = []
    for one, other in combinations(ids, 2):
        both = ids[one] & ids[other]
        if params.documents == "none" and both:
            faults.append(f"phases {one} and {other} share {len(both):,} documents")
        if params.documents == "same" and ids[one] != ids[other]:
            faults.append(
                f"phases {one} and {other} hold {len(ids[one] ^ ids[other]):,} documents that the other does not"
            )
        if params.documents == "different" and ids[one] == ids[other]:
            faults.append(f"phases {one} and {other} hold the same {len(both):,} documents")
    return faults
