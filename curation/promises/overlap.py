"""Whether phases share documents."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from curation.promises.release_rows import ReleaseRows
from schemas.promises import Overlap


def overlap(release: ReleaseRows, params: Overlap) -> list[str]:
    """The pairs of phases that share documents, or do not, against the promise."""
    ids = {phase: release.ids(phase, params.where) for phase in release.phases(params.phases)}
    if len(ids) < 2:
        return [f"there is one phase, {next(iter(ids))}, which can share nothing"]
    faults = []
    for one, other in combinations(ids, 2):
        both = len(np.intersect1d(ids[one], ids[other], assume_unique=True))
        alike = np.array_equal(ids[one], ids[other])
        if params.documents == "none" and both:
            faults.append(f"phases {one} and {other} share {both:,} documents")
        if params.documents == "same" and not alike:
            apart = len(ids[one]) + len(ids[other]) - 2 * both
            faults.append(f"phases {one} and {other} hold {apart:,} documents that the other does not")
        if params.documents == "different" and alike:
            faults.append(f"phases {one} and {other} hold the same {both:,} documents")
    return faults
